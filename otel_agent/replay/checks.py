"""What a replay compares with the record: inputs, outputs, outcomes, state; and what nobody asked for."""

from __future__ import annotations

from typing import Any

from otel_agent.capture.node import NodeScope
from otel_agent.capture.run import RunScope
from otel_agent.capture.scope import RecordedScope, clean
from otel_agent.codec import names
from otel_agent.model import AgentRun, Divergence, Effect, NodeExecution, Outcome, Raised
from otel_agent.replay.compare import are_same, difference, distance
from otel_agent.replay.divergences import Words
from otel_agent.replay.record import CUT, FAILED, Record

_MOST_NAMED = 3
_ANSWERED = "__resume__"


class Checks:
    """The comparisons of one replay; each gives the divergence it finds, or None."""

    def __init__(self, record: Record, words: Words) -> None:
        self._record = record
        self._words = words
        self._cut_here: set[str] = set()

    # --- where something begins ---------------------------------------------------------------------

    def run_input(self, run: AgentRun, scope: RunScope) -> Divergence | None:
        """A nested run is given what it was given; the root's input is the record's own."""
        asked = scope.request.digest if scope.request is not None else ""
        found = self._unlike(run, "input", asked, scope.crossing.request)
        if found is None:
            return None
        return self._words.at("input_changed", f"Graph {run.name!r} was given another input", scope, difference=found)

    def node_start(self, node: NodeExecution, scope: NodeScope) -> Divergence | None:
        """A node is given what it was given, in the state that was."""
        asked = scope.request.digest if scope.request is not None else ""
        found = self._unlike(node, "input", asked, scope.crossing.request)
        if found is not None:
            what = f"Node {node.name!r} was given another input"
            return self._words.at("input_changed", what, scope, difference=found)
        state = node.attributes.get(
            names.NODE_STATE, node.payloads["input"].digest if "input" in node.payloads else None
        )
        if state is not None and scope.run.state not in (None, state):
            return self._state_changed(scope, f"before superstep {node.step}")
        return None

    def unexpected_node(self, scope: NodeScope) -> Divergence:
        """A node runs that the record does not hold there."""
        run = self._record.runs.get(clean(scope.run.address))
        there = self._record.nodes_of_step(run.span_id, scope.step) if run is not None else []
        held = ", ".join(sorted({repr(node.name) for node in there if not node.hidden})[:_MOST_NAMED])
        if scope.attempt > 1 and any(node.name == scope.crossing.name for node in there):
            what = f"Node {scope.crossing.name!r} was tried a {scope.attempt}. time, which the record does not hold"
        else:
            what = f"Node {scope.crossing.name!r} runs in superstep {scope.step}, where the record does not hold it"
        step = f"superstep {scope.step}"
        nearest = f"{step} was recorded with {held}" if held else f"no {step} was recorded"
        return self._words.at("unexpected_node", what, scope, nearest=nearest)

    def same_but_for_ids(self, scope: RecordedScope) -> Effect | None:
        """The effect recorded here whose request differs by ids of the moment only."""
        for effect in self._candidates(scope):
            if are_same(effect.request, scope.crossing.request):
                return effect
        return None

    def unexpected_effect(self, scope: RecordedScope) -> Divergence:
        """An effect is asked for that the record does not hold: with another request, or not at all."""
        crossing = scope.crossing
        name = f"{crossing.kind} {crossing.name}"
        candidates = self._candidates(scope)
        if candidates:
            nearest = min(candidates, key=lambda effect: (distance(effect.request, crossing.request), effect.seq))
            found = difference(nearest.request, crossing.request) or "the digests differ; the values print the same"
            return self._words.at("input_changed", f"{name} was asked something else", scope, difference=found)
        held = self._record.effects_in(clean(scope.parent.address)) if scope.parent is not None else []
        return self._words.at("unexpected_effect", self._surplus(name, held), scope, nearest=_listed(held))

    def _surplus(self, name: str, held: list[Effect]) -> str:
        same = sum(f"{effect.kind} {effect.name}" == name for effect in held)
        if same:
            return f"{name} was called once more than the {same} recorded here"
        return f"{name} was called where no call of it was recorded"

    def _candidates(self, scope: RecordedScope) -> list[Effect]:
        if scope.parent is None:
            return []
        place = clean(scope.parent.address)
        return self._record.untaken_effects(place, clean(scope.crossing.kind), clean(scope.crossing.name))

    # --- where something ends -----------------------------------------------------------------------

    def node_end(self, node: NodeExecution, scope: NodeScope, outcome: Outcome) -> Divergence | None:
        """A node ends as it did: with the same output and writes, or the same exception."""
        error = outcome.error if isinstance(outcome, Raised) else None
        status = scope.status(error)
        if node.status in CUT:
            return None
        if status == "cancelled" and self._races(scope):
            self._cut_here.add(node.address)
            return None
        if status != node.status:
            return self._outcome_changed(f"Node {node.name!r}", node.status, node.error, status, error, scope)
        if status == "failed":
            return self._other_error(f"Node {node.name!r}", node, scope, error)
        task = scope.crossing.details.get("task")
        returned = outcome.value if not isinstance(outcome, Raised) else None
        wrote = _by_channel(task.writes) if task is not None else []
        found = self._other_writes(node, scope, wrote)
        if found is None and (task is None or not task.writes):
            # Else what it returned shows in its writes; `astream_events` has nodes return it piece by piece.
            found = self._not_equal(node, scope, "output", node.output, returned)
        if found is None:
            return None
        missing = next((item for item in self._record.untaken() if item.address.startswith(f"{node.address}/")), None)
        if missing is not None:  # the output is another because this was not asked for
            return self._words.missing(missing, node)
        return self._words.at("output_changed", f"Node {node.name!r} gave something else", scope, difference=found)

    def _other_writes(self, node: NodeExecution, scope: NodeScope, wrote: list[dict[str, Any]]) -> str | None:
        """Writes that are the output's items are recorded as the output and where it went."""
        if "writes" in node.payloads or "writes" in scope.recorded or node.goto is None or scope.goto is None:
            return self._not_equal(node, scope, "writes", _by_channel(node.writes or ()), wrote)
        recorded, asked = node.payloads.get("output"), scope.recorded.get("output")
        same = recorded is not None and asked is not None and recorded.digest == asked.digest
        if same and list(node.goto) == scope.goto:
            return None
        return self._difference(_by_channel(node.writes or ()), wrote)

    def _not_equal(self, node: NodeExecution, scope: NodeScope, name: str, was: Any, now: Any) -> str | None:
        recorded, asked = node.payloads.get(name), scope.recorded.get(name)
        if recorded is None and asked is None:
            return None
        if recorded is not None and asked is not None and recorded.digest == asked.digest:
            return None
        return self._difference(was, now)

    def tool_end(self, effect: Effect, scope: RecordedScope, outcome: Outcome) -> Divergence | None:
        """A tool that was run again, for a graph runs in it, gives what it gave."""
        recorded, asked = effect.payloads.get("result"), scope.recorded.get("result")
        if recorded is None or asked is None or recorded.digest == asked.digest or isinstance(outcome, Raised):
            return None
        found = self._difference(effect.result, outcome.value)
        if found is None:
            return None
        what = f"Tool {effect.name!r} returned something else"
        return self._words.at("output_changed", what, scope, difference=found)

    def run_end(self, run: AgentRun, scope: RunScope, outcome: Outcome) -> Divergence | None:
        """A run ends as it did: with the same output or exception, in the same state."""
        if self._record.ended_early or run.status in ("cancelled", "closed_early"):
            return None
        error = outcome.error if isinstance(outcome, Raised) else None
        status = scope.status(error)
        if status == "cancelled" and scope.parent is not None:
            return None
        if status != run.status:
            return self._outcome_changed("The run", run.status, run.error, status, error, scope)
        if status in FAILED:
            return None if self._one_of_several(run, error) else self._other_error("The run", run, scope, error)
        output, asked = run.payloads.get("output"), scope.recorded.get("output")
        if output is not None and asked is not None and output.digest != asked.digest:
            found = self._difference(run.output, getattr(scope.loop, "output", None))
            if found is not None:
                return self._words.at("output_changed", "The run returned something else", scope, difference=found)
        state = run.attributes.get(names.RUN_STATE)
        if state is not None and scope.state != state:
            return self._state_changed(scope, "at the end")
        return None

    def missing(self) -> Divergence | None:
        """The first thing recorded that nobody asked for."""
        for item in self._record.untaken():
            if self._excused(item):
                continue
            inside = self._record.nodes.get(item.node) if isinstance(item, Effect) else None
            return self._words.missing(item, inside)
        return None

    # --- what LangGraph itself leaves to chance -----------------------------------------------------

    def _races(self, scope: NodeScope) -> bool:
        """A node was cancelled because another of its superstep failed, as recorded: which ended first is a race."""
        run = self._record.runs.get(clean(scope.run.address))
        return run is not None and self._record.failing_step(run) == scope.step

    def _excused(self, item: NodeExecution | Effect) -> bool:
        """Not missing: it was cut by a failure in its own superstep, in the replay earlier than when recorded."""
        if any(item.address.startswith(f"{cut}/") for cut in self._cut_here):
            return True
        node = item if isinstance(item, NodeExecution) else self._record.nodes.get(item.node)
        run = next((run for run in self._record.runs.values() if node and run.span_id == node.run_span_id), None)
        return run is not None and node is not None and self._record.failing_step(run) == node.step

    def _one_of_several(self, run: AgentRun, error: BaseException | None) -> bool:
        """Where several nodes of a superstep fail, LangGraph raises any one of their exceptions."""
        step = self._record.failing_step(run)
        there = self._record.nodes_of_step(run.span_id, step) if step is not None else []
        return any(node.status in FAILED and are_same(node.error, error) for node in there)

    # --- wording ------------------------------------------------------------------------------------

    def _unlike(self, recorded: NodeExecution | AgentRun, name: str, digest: str, asked: Any) -> str | None:
        payload = recorded.payloads.get(name)
        if payload is None or payload.digest == digest:
            return None
        return self._difference(recorded.payload(name), asked)

    def _difference(self, recorded: Any, asked: Any) -> str | None:
        """The shortest diff; None where only ids of the moment differ."""
        if are_same(recorded, asked):
            return None
        return difference(recorded, asked)

    def _state_changed(self, scope: RecordedScope, when: str) -> Divergence:
        what = f"The state {when} is not the recorded one, although every node wrote what it wrote"
        return self._words.at("state_changed", what, scope, advice="look for clock or randomness in a reducer")

    def _outcome_changed(
        self, who: str, was: str, was_error: BaseException | None, now: str, error: BaseException | None,
        scope: RecordedScope,
    ) -> Divergence:  # fmt: skip
        found = f"recorded {_outcome(was, was_error)}, now {_outcome(now, error)}"
        return self._words.at("outcome_changed", f"{who} ended differently", scope, difference=found)

    def _other_error(
        self, who: str, recorded: NodeExecution | AgentRun, scope: RecordedScope, error: BaseException | None
    ) -> Divergence | None:
        payload, asked = recorded.payloads.get("error"), scope.recorded.get("error")
        if payload is None or (asked is not None and payload.digest == asked.digest):
            return None
        if are_same(recorded.error, error):
            return None
        return self._outcome_changed(who, "failed", recorded.error, "failed", error, scope)


def _by_channel(writes: Any) -> list[dict[str, Any]]:
    """Writes as objects, so that a pointer into them names the channel.

    Without LangGraph's note that an interrupt was answered: where a tool asked, the tool is answered as a whole.
    """
    return [{str(channel): value} for channel, value in writes if channel != _ANSWERED]


def _outcome(status: str, error: BaseException | None) -> str:
    if error is None:
        return status
    return f"{status}: {type(error).__name__}: {str(error)[:60]}"


def _listed(effects: list[Effect]) -> str:
    if not effects:
        return "nothing was recorded here"
    told = [f"{effect.kind} {effect.name}" for effect in effects[:_MOST_NAMED]]
    more = len(effects) - len(told)
    return f"recorded here: {', '.join(told)}{f' and {more} more' if more > 0 else ''}"
