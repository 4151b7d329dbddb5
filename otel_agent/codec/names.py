"""Every attribute, event and metric name we write: the only file that holds such strings.

``gen_ai.*`` follows open-telemetry/semantic-conventions-genai at commit 7e7e4e7 (Development status; node spans are
proposed there in issue 187). ``agent.*`` is ours. ``docs/reference/attributes.md`` is generated from this file.
"""

from __future__ import annotations

from dataclasses import dataclass

FORMAT = 1
"""The recording format that this version writes, and the newest that it reads."""

SCOPE = "otel_agent"
"""Name of our instrumentation scope."""


@dataclass(frozen=True, slots=True)
class Declared:
    """One declared name: what the reference page prints."""

    name: str
    type: str
    description: str
    on: str


DECLARED: list[Declared] = []


def attr(name: str, type_: str, description: str, on: str) -> str:
    """Declare an attribute and return its name."""
    DECLARED.append(Declared(name, type_, description, on))
    return name


# --- every span of a run ------------------------------------------------------------------------
RUN_ID = attr("agent.run.id", "string", "`<trace id>-<span id of the run's root span>`.", "every span")
SEQ = attr("agent.record.seq", "int", "Order in which the spans of the run began; 0 is the root.", "every span")
KIND = attr("agent.record.kind", "string", "`run`, `node` or `effect`.", "every span")
ADDRESS = attr(
    "agent.record.address", "string", "Where in the run it happened, without ids of the moment.", "every span"
)
SEAL = attr("agent.record.seal", "string", "SHA-256 over what we wrote in the span.", "every span")

# --- the account that the root span closes ------------------------------------------------------
RECORD_FORMAT = attr("agent.record.format", "int", "Recording format.", "root run")
RECORD_SPANS = attr("agent.record.spans", "int", "Spans of the run, the root included.", "root run")
RECORD_NODES = attr("agent.record.nodes", "int", "Node executions.", "root run")
RECORD_EFFECTS = attr("agent.record.effects", "int", "Effects.", "root run")
RECORD_LOSSES = attr("agent.record.losses", "int", "Times that recording itself failed.", "root run")
RECORD_SEALS = attr(
    "agent.record.seals", "string", "SHA-256 over the seals of all other spans, in order of `seq`.", "root run"
)
REPLAYABLE = attr("agent.record.replayable", "boolean", "Whether the run can be replayed from the trace.", "root run")
REASONS = attr("agent.record.reasons", "string[]", "Why it cannot.", "root run")
VERSIONS = attr("agent.record.versions", "string", "JSON: Python and package versions, hash seed.", "root run")
CONTENT = attr("agent.record.content", "string", "`full` or `metadata` (digests and sizes only).", "root run")

# --- runs -----------------------------------------------------------------------------------------
RUN_GRAPH = attr("agent.run.graph", "string", "Name of the graph.", "run")
RUN_STATUS = attr(
    "agent.run.status", "string", "`completed`, `interrupted`, `failed`, `cancelled` or `closed_early`.", "run"
)
RUN_ASYNC = attr("agent.run.async", "boolean", "Run by `astream`/`ainvoke`.", "run")
RUN_METHOD = attr("agent.run.method", "string", "`stream`, `astream` or `audited`.", "run")
RUN_FINGERPRINT = attr(
    "agent.run.fingerprint",
    "payload",
    "Short hashes of the graph's nodes, edges and channels; its digest is that of all.",
    "run",
)
RUN_CALLER_ID = attr("agent.run.caller_id", "string", 'The caller\'s own `config["run_id"]`.', "run")
RUN_STATE = attr("agent.run.state", "string", "Digest of the state at the end.", "run")
RUN_THREAD = attr("agent.run.thread_id", "string", "LangGraph's thread id.", "run")
RUN_CHECKPOINT_NS = attr("agent.run.checkpoint_ns", "string", "Checkpoint namespace, of nested runs.", "run")
RUN_LINK = attr("agent.run.link", "string", "On a span link: `resume`, `continue` or `fork`.", "link")
RUN_INPUT = attr("agent.run.input", "payload", "What the graph was given.", "run")
RUN_OUTPUT = attr("agent.run.output", "payload", "What it returned.", "run")
RUN_CONFIG = attr(
    "agent.run.config", "payload", "Recursion limit, configurable values, durability, breakpoints.", "run"
)
RUN_CONTEXT = attr("agent.run.context", "payload", "The `context` argument.", "run")
RUN_START = attr("agent.run.start", "payload", "Checkpoint and pending writes that the run started from.", "run")
RUN_INTERRUPTS = attr("agent.run.interrupts", "payload", "What it stopped for.", "run")
RUN_ERROR = attr("agent.run.error", "payload", "The exception that ended it.", "run")
RUN_IDS = attr("agent.run.ids", "payload", "Ids that the framework drew between supersteps.", "run")

# --- node executions --------------------------------------------------------------------------------
NODE_STEP = attr("agent.node.step", "int", "Superstep, counted from the run's first.", "node")
NODE_GOTO = attr(
    "agent.node.goto",
    "string",
    "JSON array: nodes it triggered, where its writes are its output's items and these; else see `agent.node.writes`.",
    "node",
)
NODE_ATTEMPT = attr("agent.node.attempt", "int", "1 for the first attempt.", "node")
NODE_STATUS = attr(
    "agent.node.status",
    "string",
    "`completed`, `interrupted`, `failed`, `cancelled`, `timeout`, `parent_command`, `cached` or `resumed`.",
    "node",
)
NODE_HIDDEN = attr("agent.node.hidden", "boolean", "True for LangGraph's own nodes.", "node")
NODE_STATE = attr(
    "agent.node.state",
    "string",
    "Digest of the state before its superstep; left out where it is that of the input.",
    "node",
)
NODE_INPUT = attr("agent.node.input", "payload", "What the node was given.", "node")
NODE_OUTPUT = attr("agent.node.output", "payload", "What it returned.", "node")
NODE_WRITES = attr(
    "agent.node.writes",
    "payload",
    "What it wrote: an object by channel, or an array of [channel, value] where it wrote to one channel twice. "
    "Left out where `agent.node.goto` says it.",
    "node",
)
NODE_ERROR = attr("agent.node.error", "payload", "The exception that ended it.", "node")
NODE_IDS = attr("agent.node.ids", "payload", "Ids that the framework drew in it.", "node")

# --- effects --------------------------------------------------------------------------------------------
EFFECT_KIND = attr(
    "agent.effect.kind", "string", "`chat`, `llm`, `tool`, `retriever`, `embeddings`, `store` or `effect`.", "effect"
)
EFFECT_NAME = attr("agent.effect.name", "string", "Model, tool, retriever or function.", "effect")
EFFECT_METHOD = attr("agent.effect.method", "string", "The method that was intercepted.", "effect")
EFFECT_OCCURRENCE = attr(
    "agent.effect.occurrence", "int", "How often the same was asked before in the same place.", "effect"
)
EFFECT_STATUS = attr("agent.effect.status", "string", "`completed`, `failed`, `interrupted` or `cancelled`.", "effect")
EFFECT_RUN_ID = attr("agent.effect.run_id", "string", "LangChain's run id, from which it makes message ids.", "effect")
EFFECT_REQUEST = attr("agent.effect.request", "payload", "What was asked.", "effect")
EFFECT_RESULT = attr("agent.effect.result", "payload", "What came back.", "effect")
EFFECT_CHUNKS = attr("agent.effect.chunks", "payload", "The streamed chunks.", "effect")
EFFECT_ERROR = attr("agent.effect.error", "payload", "The exception that it raised.", "effect")

# --- payload layout -------------------------------------------------------------------------------------
PAYLOAD_JSON = "json"
PAYLOAD_DIGEST = "digest"
PAYLOAD_PIECES = "pieces"
PAYLOAD_EVENT = "agent.payload"
PAYLOAD_NAME = attr("agent.payload.name", "string", "Which payload the pieces belong to.", "event agent.payload")
PAYLOAD_FIRST = attr("agent.payload.first", "int", "Number of the first piece in this event.", "event agent.payload")
PAYLOAD_PIECE = "agent.payload.piece"

# --- OpenTelemetry's own ----------------------------------------------------------------------------------
ERROR_TYPE = attr("error.type", "string", "Class of the exception.", "any span with status ERROR")
EXCEPTION_EVENT = "exception"
EXCEPTION_TYPE = "exception.type"
EXCEPTION_MESSAGE = "exception.message"
EXCEPTION_STACKTRACE = "exception.stacktrace"
SERVICE_NAME = "service.name"

OPERATION = attr("gen_ai.operation.name", "string", "What kind of operation the span is.", "every span")
WORKFLOW_NAME = attr("gen_ai.workflow.name", "string", "Name of the graph.", "run")
AGENT_NAME = attr("gen_ai.agent.name", "string", "Name of the agent.", "run")
CONVERSATION_ID = attr("gen_ai.conversation.id", "string", "LangGraph's thread id.", "run, node")
NODE_NAME = attr("gen_ai.node.name", "string", "Node or task name (proposed in the conventions).", "node")
PROVIDER = attr("gen_ai.provider.name", "string", "Provider of the model.", "chat, embeddings")
REQUEST_MODEL = attr("gen_ai.request.model", "string", "Model asked for.", "chat, embeddings")
REQUEST_TEMPERATURE = attr("gen_ai.request.temperature", "double", "Temperature asked for.", "chat")
REQUEST_MAX_TOKENS = attr("gen_ai.request.max_tokens", "int", "Token limit asked for.", "chat")
REQUEST_TOP_P = attr("gen_ai.request.top_p", "double", "top_p asked for.", "chat")
REQUEST_TOP_K = attr("gen_ai.request.top_k", "int", "top_k asked for.", "chat")
REQUEST_SEED = attr("gen_ai.request.seed", "int", "Seed asked for.", "chat")
REQUEST_STOP = attr("gen_ai.request.stop_sequences", "string[]", "Stop sequences.", "chat")
REQUEST_STREAM = attr("gen_ai.request.stream", "boolean", "True where the answer was streamed.", "chat")
RESPONSE_ID = attr("gen_ai.response.id", "string", "Id that the provider gave.", "chat")
RESPONSE_MODEL = attr("gen_ai.response.model", "string", "Model that answered.", "chat")
RESPONSE_FINISH = attr("gen_ai.response.finish_reasons", "string[]", "Why it stopped.", "chat")
RESPONSE_FIRST_CHUNK = attr("gen_ai.response.time_to_first_chunk", "double", "Seconds to the first chunk.", "chat")
USAGE_INPUT = attr("gen_ai.usage.input_tokens", "int", "Tokens in, cached ones included.", "chat")
USAGE_OUTPUT = attr("gen_ai.usage.output_tokens", "int", "Tokens out, reasoning included.", "chat")
USAGE_CACHE_READ = attr("gen_ai.usage.cache_read.input_tokens", "int", "Of these, read from a cache.", "chat")
USAGE_CACHE_WRITE = attr("gen_ai.usage.cache_write.input_tokens", "int", "Of these, written to a cache.", "chat")
USAGE_REASONING = attr("gen_ai.usage.reasoning.output_tokens", "int", "Of these, for reasoning.", "chat")
INPUT_MESSAGES = attr(
    "gen_ai.input.messages", "string", "JSON for people: the newest messages that fit 800 bytes.", "chat, run"
)
OUTPUT_MESSAGES = attr(
    "gen_ai.output.messages", "string", "JSON for people: the answer, cut to 800 bytes.", "chat, run"
)
TOOL_NAME = attr("gen_ai.tool.name", "string", "Name of the tool.", "tool")
TOOL_CALL_ID = attr("gen_ai.tool.call.id", "string", "Id of the call, from the model.", "tool")
TOOL_DESCRIPTION = attr("gen_ai.tool.description", "string", "What the tool says of itself.", "tool")
TOOL_TYPE = attr("gen_ai.tool.type", "string", "`function`.", "tool")
TOOL_ARGUMENTS = attr("gen_ai.tool.call.arguments", "string", "JSON for people: arguments, cut to 800 bytes.", "tool")
TOOL_RESULT = attr("gen_ai.tool.call.result", "string", "For people: result, cut to 500 bytes.", "tool")
DATA_SOURCE = attr("gen_ai.data_source.id", "string", "Which retriever.", "retriever")
RETRIEVAL_QUERY = attr("gen_ai.retrieval.query.text", "string", "What was looked for.", "retriever")
MEMORY_STORE = attr("gen_ai.memory.store.id", "string", "Which store.", "store")

CONTENT_ATTRIBUTES = frozenset({INPUT_MESSAGES, OUTPUT_MESSAGES, TOOL_ARGUMENTS, TOOL_RESULT, RETRIEVAL_QUERY})
"""Attributes that hold content: left out where content is off, redacted where it is on."""

SEALED_PREFIXES = ("agent.", "gen_ai.", ERROR_TYPE)
"""Attributes under these are covered by a span's seal."""
