"""Handlers for tests: one that lets calls through and keeps them, one that answers from what was kept."""

from __future__ import annotations

import copy
import json
from contextvars import Context, copy_context
from dataclasses import dataclass, field
from typing import Any

from otel_agent.boundary.crossing import Answer, Crossing, current_scope
from otel_agent.codec import names
from otel_agent.model.effect import Outcome, Raised, Returned


@dataclass
class Seen:
    """One crossing as a recorder would keep it."""

    crossing: Crossing
    context: Context
    key: str
    parent: Any = None
    answer: Answer | None = None
    chunks: list[Any] = field(default_factory=list)
    outcome: Outcome | None = None
    attributes: dict[str, Any] = field(default_factory=dict)

    def emit(self, item: Any) -> None:
        snapshot = self.crossing.snapshot
        self.chunks.append(copy.deepcopy(item) if snapshot is None else snapshot(item))

    def leave(self, outcome: Outcome) -> None:
        assert self.outcome is None, "leave is called exactly once"
        outcome = self.crossing.outcome or outcome
        self.outcome = copied(outcome)
        self.attributes = dict(self.crossing.attributes)
        content = self.crossing.details.get("content")
        if content is not None:
            self.attributes.update(content())
        if self.crossing.describe is not None:
            self.attributes.update(self.crossing.describe(outcome))

    @property
    def as_answer(self) -> Answer:
        run_id = self.attributes.get(names.EFFECT_RUN_ID) or self.crossing.details.get("run_id")
        return Answer(copied(self.outcome), self.chunks or None, run_id)


def copied(outcome: Outcome) -> Outcome:
    if isinstance(outcome, Raised):
        return outcome
    try:
        return Returned(copy.deepcopy(outcome.value))
    except Exception:
        return outcome


def key_of(crossing: Crossing) -> str:
    """Kind, name and request as text, without message ids: what an address would be made of."""

    def plain(value: Any) -> Any:
        if hasattr(value, "model_dump"):
            return {"type": type(value).__name__, **value.model_dump(exclude={"id"})}
        return f"{type(value).__name__}"

    return f"{crossing.kind} {crossing.name} {json.dumps(crossing.request, default=plain, sort_keys=True)}"


class Recording:
    """Lets every call of these kinds through and keeps it."""

    def __init__(self, *kinds: str) -> None:
        self.kinds = kinds
        self.seen: list[Seen] = []
        self.lost_ones: list[tuple[str, BaseException]] = []

    def enter(self, crossing: Crossing) -> Seen | None:
        if self.kinds and crossing.kind not in self.kinds:
            return None
        scope = Seen(crossing, copy_context(), key_of(crossing), current_scope.get())
        scope.context.run(current_scope.set, scope)
        self.seen.append(scope)
        return scope

    def lost(self, where: str, error: BaseException) -> None:
        self.lost_ones.append((where, error))

    def draw(self, kind: str, real: Any) -> Any:
        return real()

    def observe(self, event: str, subject: Any) -> None:
        return None

    def recall(self, crossing: Crossing) -> None:
        return None

    def of(self, kind: str) -> list[Seen]:
        return [scope for scope in self.seen if scope.crossing.kind == kind]


class Serving(Recording):
    """Answers every call from a recording; a call that was not recorded fails."""

    def __init__(self, recording: Recording, *kinds: str) -> None:
        super().__init__(*(kinds or recording.kinds))
        self.left = [scope for scope in recording.seen if scope.crossing.kind in self.kinds or not self.kinds]

    def enter(self, crossing: Crossing) -> Seen | None:
        scope = super().enter(crossing)
        if scope is None:
            return None
        for number, recorded in enumerate(self.left):
            if recorded.key == scope.key:
                scope.answer = self.left.pop(number).as_answer
                return scope
        raise AssertionError(f"not recorded: {scope.key}; there are {[one.key for one in self.left]}")
