"""The first place where a replay asks for what the record does not hold."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Divergence:
    """Where, what was recorded, what was asked; at most five lines when printed."""

    kind: str
    """input_changed, output_changed, state_changed, outcome_changed, unexpected_effect, unexpected_node,
    missing_effect, missing_node or network."""
    what: str
    """What happened, in one sentence."""
    run_id: str
    node: str
    """Name of the node, empty where it was not in one."""
    step: int | None
    """Superstep."""
    effect: str = ""
    """Kind, name and number of the effect, such as ``chat gpt-4 #2``; empty where it was none."""
    address: str = ""
    difference: str = ""
    """Recorded against asked: the shortest diff, one line."""
    nearest: str = ""
    """The nearest candidate in the record, where there is one."""
    advice: str = ""
    """What to do next."""

    @property
    def where(self) -> str:
        """The place in words: run, node, superstep, effect."""
        parts = [f"run {self.run_id}"]
        if self.node:
            parts.append(f"node {self.node!r}")
        if self.step is not None:
            parts.append(f"superstep {self.step}")
        if self.effect:
            parts.append(self.effect)
        return ", ".join(parts)

    def __str__(self) -> str:
        lines = [f"{self.what} [{self.kind}]", f"  at       {self.where}"]
        for label, text in (("diff", self.difference), ("nearest", self.nearest), ("next", self.advice)):
            if text:
                lines.append(f"  {label:<8} {text}")
        return "\n".join(lines)
