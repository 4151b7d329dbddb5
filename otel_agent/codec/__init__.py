"""Python values <-> typed JSON, digests, references and span attributes. Decoding runs no code of the record."""

from otel_agent.codec import registry
from otel_agent.codec.canonical import LARGE, MAX_DEPTH, MAX_NODES
from otel_agent.codec.decode import Decoder
from otel_agent.codec.encoder import Encoded, Encoder, digest
from otel_agent.codec.layout import AttributeValue, payload_fields, read_payload
from otel_agent.codec.redact import API_KEYS, BEARER, DEFAULT_PATTERNS, EMAIL, NOTHING, SECRET_KEYS, Redacted, Redactor
from otel_agent.codec.registry import Registry
from otel_agent.codec.seal import seal_of, seal_of_seals
from otel_agent.codec.table import PayloadTable
from otel_agent.codec.unresolved import Opaque, RecordedError, Unresolved

__all__ = [
    "API_KEYS",
    "BEARER",
    "DEFAULT_PATTERNS",
    "EMAIL",
    "LARGE",
    "MAX_DEPTH",
    "MAX_NODES",
    "NOTHING",
    "SECRET_KEYS",
    "AttributeValue",
    "Decoder",
    "Encoded",
    "Encoder",
    "Opaque",
    "PayloadTable",
    "RecordedError",
    "Redacted",
    "Redactor",
    "Registry",
    "Unresolved",
    "digest",
    "payload_fields",
    "read_payload",
    "registry",
    "seal_of",
    "seal_of_seals",
]
