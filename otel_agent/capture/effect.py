"""What is recorded of an effect."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from opentelemetry.trace import SpanKind

from otel_agent.capture.scope import RecordedScope, clean
from otel_agent.codec import names
from otel_agent.model.effect import Outcome, Returned

_REMOTE = ("chat", "llm", "embeddings")


class EffectScope(RecordedScope):
    """One call of a model, tool, retriever, embedder, store or `@effect` function."""

    kind: ClassVar[str] = "effect"
    occurrence = 0

    def describe_start(self) -> tuple[str, dict[str, Any]]:
        """What is asked, and of whom."""
        crossing, account = self.crossing, self.account
        assert self.parent is not None  # noqa: S101 - effects outside of runs are not recorded
        if crossing.kind in _REMOTE:
            self.span_kind = SpanKind.CLIENT
        self._chunks: list[Any] = []
        self._streamed = False
        where = f"{self.parent.address}/{crossing.kind}~{crossing.name}"
        self.request = account.encode(crossing.request, f"{where} request")
        asked = self.request.digest[:16]
        self.occurrence = account.occurrence(self.parent.seq, crossing.kind, crossing.name, asked)
        self.address = f"{where}~{asked}~{self.occurrence}"
        self.put(
            {
                names.RUN_ID: account.run_id,
                names.KIND: "effect",
                names.SEQ: self.seq,
                names.ADDRESS: self.address,
                names.EFFECT_KIND: crossing.kind,
                names.EFFECT_NAME: crossing.name,
                names.EFFECT_METHOD: crossing.method,
                names.EFFECT_OCCURRENCE: self.occurrence or None,
                names.EFFECT_RUN_ID: crossing.details.get("run_id"),
            }
        )
        name = crossing.details.get("span_name") or f"{crossing.kind} {crossing.name}"
        return name, self._for_people(crossing.attributes)

    def emit(self, item: Any) -> None:
        """Keep the chunk as it goes by: the framework may write into it afterwards."""
        self._streamed = True
        snapshot = self.crossing.snapshot
        try:
            self._chunks.append(item if snapshot is None else snapshot(item))
        except Exception as error:  # noqa: BLE001 - an error of ours must not reach the application
            self.account.lose(f"a chunk of {self.crossing.name!r}", error)

    def leave(self, outcome: Outcome) -> None:
        """What a seam inside of the body got is the outcome: a tool's raw result, not its formatted message."""
        super().leave(self.crossing.outcome or outcome)

    def describe_end(self, outcome: Outcome, status: str) -> None:
        """Status, request and what came back."""
        crossing = self.crossing
        self.put({names.EFFECT_STATUS: status})
        assert self.request is not None  # noqa: S101 - set in describe_start
        self.write(names.EFFECT_REQUEST, self.request)
        content = crossing.details.get("content")
        if content is not None and self.account.content:
            self.put(self._for_people(content()))
        if self._streamed:
            self.payload(names.EFFECT_CHUNKS, self._chunks)
        if isinstance(outcome, Returned) and not self._streamed:
            self.payload(names.EFFECT_RESULT, outcome.value)
        if self.ids:
            self.payload(names.NODE_IDS, self.ids)
        if crossing.describe is not None:
            self.put(self._for_people(crossing.describe(outcome)))

    def _for_people(self, attributes: Mapping[str, Any]) -> dict[str, Any]:
        """Without content where it is off; redacted where it is on."""
        redact = self.account.redactor.redact_text
        kept = {}
        for key, value in attributes.items():
            if key in names.CONTENT_ATTRIBUTES:
                if not self.account.content:
                    continue
                value = redact(value) if isinstance(value, str) else value  # noqa: PLW2901
            kept[key] = clean(value) if isinstance(value, str) else value
        return kept
