"""The handler that answers from the record: the address finds it, the digest proves it.

Runs and nodes run for real and are compared where they begin and end; effects are answered. It works around a
`Recorder`, so that a replay is itself recorded. The read side fails closed: the first divergence is remembered and
raised as a `BaseException`, and raised again at every later crossing, so that nothing goes on after it.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from typing import Any

from otel_agent.boundary.crossing import Answer, Crossing, current_scope
from otel_agent.capture.node import NodeScope, path_text
from otel_agent.capture.recorder import Recorder
from otel_agent.capture.run import RunScope
from otel_agent.capture.scope import RecordedScope, clean
from otel_agent.codec import names
from otel_agent.model import Divergence, Effect, NodeExecution, Outcome, Raised, Returned
from otel_agent.replay.checks import Checks
from otel_agent.replay.divergences import Diverged, RecordEnds, Words, order_of
from otel_agent.replay.record import CUT, Record


class Responder:
    """Answers one replay of one recorded run."""

    keeps_time = False
    """Waits between attempts are skipped, node timeouts come from the record (see `boundary.backoff`)."""

    def __init__(self, recorder: Recorder, record: Record, words: Words) -> None:
        self._recorder = recorder
        self._record = record
        self._words = words
        self._checks = Checks(record, words)
        self._lock = threading.RLock()
        self._found: list[tuple[tuple[tuple[int, str], ...], int, Divergence]] = []
        self._open: set[str] = set()
        self.failure: Exception | None = None
        """What went wrong in here, if something did: a record that cannot be decoded, say."""
        self.ended = False
        """Whether the replay came to where the record of a run that was cut short ends."""
        self.nodes_replayed = 0
        self.effects_served = 0

    # --- what was found -----------------------------------------------------------------------------

    @property
    def divergence(self) -> Divergence | None:
        """The earliest divergence seen, by superstep and path."""
        with self._lock:
            return min(self._found, key=lambda found: found[:2])[2] if self._found else None

    def diverge(self, divergence: Divergence, scope: RecordedScope | None) -> Diverged:
        """Remember a divergence; the caller raises what it gets."""
        with self._lock:
            self._found.append((order_of(scope), len(self._found), divergence))
        return Diverged(divergence)

    def refuse_connection(self, place: str) -> None:
        """Strict mode: nothing in a replay may reach the outside."""
        scope = current_scope.get()
        what = f"The run opened a connection to {place}, which the record knows nothing of"
        advice = "wrap the call in @otel_agent.effect, so that it is recorded and then served"
        raise self.diverge(self._words.at("network", what, scope, advice=advice), scope)

    def finish(self) -> None:
        """The run is over: what nobody asked for is missing."""
        if not self._found and not self.ended and (missing := self._checks.missing()) is not None:
            with self._lock:
                self._found.append((((1 << 30, ""),), 0, missing))

    # --- Handler ------------------------------------------------------------------------------------

    def enter(self, crossing: Crossing) -> RecordedScope | None:
        """Open a recorded scope, and answer it or check what it was given."""
        self._stop_where_over()
        scope = self._recorder.enter(crossing)
        if scope is None:
            if crossing.method == "audited":  # the body of the node it is in, which has a scope
                return None
            what = f"{crossing.kind} {crossing.name} was called where no run is known to be"
            raise self.diverge(self._words.at("unexpected_effect", what, None, effect=crossing.name), None)
        try:
            self._closed(self._begin, scope)
        except BaseException as error:
            scope.leave(Raised(error))
            raise
        return scope

    def draw(self, kind: str, real: Callable[[], Any]) -> Any:
        """The id that was drawn here when it was recorded."""
        scope = current_scope.get()
        if not isinstance(scope, RecordedScope):
            return real()
        return self._recorder.draw(kind, lambda: self._closed(self._recorded_id, scope))

    def recall(self, crossing: Crossing) -> Answer | None:
        """The writes of a node that a node cache answered when it was recorded."""
        node = self._record.nodes.get(self._address_of(crossing.details["task"]))
        if node is None or node.status != "cached":
            return None
        return Answer(Returned(None), writes=[(channel, value) for channel, value in node.writes or ()])

    def observe(self, event: str, subject: Any) -> None:
        """What the loop does between nodes is recorded, and ticked off."""
        self._stop_where_over()
        self._recorder.observe(event, subject)
        if event in ("cached", "resumed"):
            for task in subject:
                self._record.take(self._address_of(task), whole=True)

    def lost(self, where: str, error: BaseException) -> None:
        """A call that cannot be described would go through unseen: nothing may."""
        scope = current_scope.get()
        what = f"A call could not be described, so it cannot be answered: {where}: {type(error).__name__}: {error}"
        raise self.diverge(self._words.at("unexpected_effect", what, scope), scope) from error

    # --- inside ---------------------------------------------------------------------------------------

    def _stop_where_over(self) -> None:
        found = self.divergence
        if found is not None:
            raise Diverged(found)
        if self.failure is not None or self.ended:
            raise RecordEnds

    def _closed(self, check: Callable[..., Any], *args: Any) -> Any:
        """Run a check of ours; an error in it ends the replay and is told as such, never as the application's."""
        try:
            return check(*args)
        except Exception as error:
            self.failure = error
            raise RecordEnds from error

    def _begin(self, scope: RecordedScope) -> None:
        if isinstance(scope, RunScope):
            self._begin_run(scope)
        elif isinstance(scope, NodeScope):
            self._begin_node(scope)
        else:
            self._answer(scope)

    def _begin_run(self, scope: RunScope) -> None:
        address = clean(scope.address)
        if address and address not in self._record.runs:
            self._end_early()
            what = f"Graph {scope.crossing.name!r} runs where the record has no run of it"
            raise self.diverge(self._words.at("unexpected_node", what, scope), scope)
        self._raise(self._checks.run_input(self._record.runs[address], scope), scope)
        scope.on_leave = self._leave_run

    def _begin_node(self, scope: NodeScope) -> None:
        address = clean(scope.address)
        node = self._record.nodes.get(address)
        if node is None:
            self._end_early()
            raise self.diverge(self._checks.unexpected_node(scope), scope)
        is_cut = node.status in CUT
        self._record.take(address, whole=is_cut)
        self._raise(self._checks.node_start(node, scope), scope)
        scope.on_leave = self._leave_node
        if not is_cut:
            with self._lock:
                self.nodes_replayed += 1
                self._open.add(address)
        elif node.status == "timeout" and node.error is not None:
            scope.answer = Answer(Raised(node.error))
        else:
            scope.answer = Answer(Returned(None), waits=True)
            self._end_early()

    def _answer(self, scope: RecordedScope) -> None:
        effect = self._record.effects.get(clean(scope.address))
        if effect is None or self._record.is_taken(effect.address):
            effect = self._checks.same_but_for_ids(scope)
        if effect is None:
            self._end_early()
            raise self.diverge(self._checks.unexpected_effect(scope), scope)
        if effect.kind == "tool" and self._record.runs_inside(effect.address):
            self._record.take(effect.address)
            scope.on_leave = functools.partial(self._leave_tool, effect)
            return
        self._record.take(effect.address, whole=True)
        scope.answer = _answer_of(effect, scope.crossing)
        with self._lock:
            self.effects_served += 1

    def _recorded_id(self, scope: RecordedScope) -> str:
        drawn = self._record.ids(clean(scope.address))
        if len(scope.ids) >= len(drawn):
            what = f"The framework drew id number {len(scope.ids) + 1} here; the record holds {len(drawn)}"
            raise self.diverge(self._words.at("unexpected_effect", what, scope, effect="id"), scope)
        return drawn[len(scope.ids)]

    def _leave_node(self, scope: NodeScope, outcome: Outcome) -> None:
        with self._lock:
            self._open.discard(clean(scope.address))
        if _is_ours(outcome):
            return
        node: NodeExecution = self._record.nodes[clean(scope.address)]
        self._raise(self._closed(self._checks.node_end, node, scope, outcome), scope)
        self._end_early()

    def _leave_tool(self, effect: Effect, scope: RecordedScope, outcome: Outcome) -> None:
        if not _is_ours(outcome) and not self._found:
            self._raise(self._closed(self._checks.tool_end, effect, scope, outcome), scope)

    def _leave_run(self, scope: RunScope, outcome: Outcome) -> None:
        if not _is_ours(outcome) and not self._found:
            run = self._record.runs[clean(scope.address)]
            self._raise(self._closed(self._checks.run_end, run, scope, outcome), scope)

    def _raise(self, divergence: Divergence | None, scope: RecordedScope) -> None:
        if divergence is not None:
            raise self.diverge(divergence, scope)

    def _end_early(self) -> None:
        """Stop where everything was replayed that a run holds which was ended from outside."""
        with self._lock:
            if self._record.ended_early and not self._open and not self._record.untaken():
                self.ended = True
                raise RecordEnds

    def _address_of(self, task: Any) -> str:
        run = current_scope.get().run
        step = run.relative_step((task.config.get("metadata") or {}).get("langgraph_step", 0))
        return clean(f"{run.address}/{task.name}@{step}:{path_text(task.path)}#1")


def _is_ours(outcome: Outcome) -> bool:
    return isinstance(outcome, Raised) and isinstance(outcome.error, (Diverged, RecordEnds))


def _answer_of(effect: Effect, crossing: Crossing) -> Answer:
    """The record as an answer, decoded afresh: frameworks write into what they are given."""
    chunks, outcome = effect.chunks, effect.outcome
    if chunks is not None and isinstance(outcome, Returned) and "result" not in effect.payloads and crossing.merge:
        outcome = Returned(crossing.merge(list(effect.chunks)))
    run_id = effect.attributes.get(names.EFFECT_RUN_ID)
    waits = effect.status == "cancelled"
    return Answer(outcome, chunks=chunks, run_id=str(run_id) if run_id is not None else None, waits=waits)
