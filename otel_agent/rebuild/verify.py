"""The proof that nothing of a run is missing or altered, or the list of what is."""

from __future__ import annotations

from dataclasses import dataclass

from otel_agent.codec import names
from otel_agent.errors import MissingSpan, RecordError
from otel_agent.model.run import AgentRun
from otel_agent.rebuild.load import check_run
from otel_agent.rebuild.payloads import Payloads
from otel_agent.rebuild.spans import group_runs, text_of


@dataclass(frozen=True, slots=True)
class Verification:
    """What was checked, and what was found."""

    run_id: str
    spans: int
    """Spans checked."""
    payloads: int
    """Payloads whose digest was computed again."""
    seal: str
    """The root span's seal, which covers, through the account, the seals of all others: write it down elsewhere, and
    nobody can alter the run and seal it anew unnoticed. Empty where the root is missing."""
    problems: tuple[RecordError, ...] = ()

    @property
    def ok(self) -> bool:
        """True when nothing is missing and nothing was altered."""
        return not self.problems

    def __str__(self) -> str:
        head = f"run {self.run_id}: {self.spans} spans, {self.payloads} payloads"
        if self.ok:
            return f"{head}, complete and unaltered; seal {self.seal}"
        count = len(self.problems)
        lines = [f"  [{problem.code}] {problem.message}" for problem in self.problems]
        return "\n".join([f"{head}, {count} problem{'' if count == 1 else 's'}:", *lines])


def verify_run(run: AgentRun) -> Verification:
    """Check the run's spans again: count, numbers, seals, digests, byte counts, references.

    What this proves and what not stands in `otel_agent.rebuild.checks`.

    Raises:
        NewerFormat: the run was written by a later recording format than this version reads.
        RecordError: it is a nested run, which the account of the run around it covers.

    """
    if run.address:
        raise RecordError(f"{run.address} is a nested run: verify the run around it.", span_id=run.span_id)
    found = group_runs(run.spans).get(run.run_id)
    if found is None:
        nothing = MissingSpan(f"No span of run {run.run_id} is there.", span_id=run.span_id)
        return Verification(run.run_id, 0, 0, "", (nothing,))
    found.refuse_newer_format()
    payloads = Payloads(found.spans)
    seal = text_of(found.root.attributes, names.SEAL) if found.root is not None else ""
    # A span that came twice is once in the run's spans: what loading found about that still holds.
    problems = {(type(problem), problem.message): problem for problem in (*check_run(found, payloads), *run.problems)}
    return Verification(run.run_id, len(found.spans), payloads.count, seal, tuple(problems.values()))
