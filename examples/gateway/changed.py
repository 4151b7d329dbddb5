"""The same agent with one prompt changed: a replay of an old run must notice, at the node `final`, not before."""

from __future__ import annotations

from .graph import Prompts, build_graph

graph = build_graph(prompts=Prompts(answer="Answer like a pirate, in one short sentence. Use only the notes."))
