"""Payloads for people: plain JSON in which references are resolved and tags reduced to what they hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from otel_agent.codec.canonical import MAX_DEPTH, REF, TAG, Tree

if TYPE_CHECKING:
    from otel_agent.codec.folding import Folder

_CUT = "..."
_PAIRS = frozenset(("map", "ordered", "counter", "default", "namedtuple"))
_FIELDS = frozenset(("pydantic", "dataclass", "object"))


class Plain:
    """Shows trees until a number of values is reached; what is missing or too much is shown as such."""

    def __init__(self, folder: Folder, limit: int) -> None:
        self._folder = folder
        self._left = limit

    def show(self, tree: Tree, depth: int = 0) -> Any:
        """Plain JSON of a tree."""
        self._left -= 1
        if self._left < 0 or depth > MAX_DEPTH:
            return _CUT
        if isinstance(tree, list):
            return self._items(tree, depth)
        if not isinstance(tree, dict):
            return tree
        if REF in tree:
            found = self._folder.nodes.get(tree[REF])
            return f"<missing {tree[REF]}>" if found is None else self.show(found, depth + 1)
        if TAG in tree:
            return self._tagged(tree, depth)
        return {key: self.show(child, depth + 1) for key, child in self._some(tree.items())}

    def _some(self, children: Any) -> Any:
        for child in children:
            if self._left <= 0:
                return
            yield child

    def _items(self, children: list[Tree], depth: int) -> list[Any]:
        shown = [self.show(child, depth + 1) for child in self._some(children)]
        return shown if len(shown) == len(children) else [*shown, _CUT]

    def _tagged(self, tree: dict[str, Any], depth: int) -> Any:
        tag = tree[TAG]
        if tag == "cat":
            return self._items(self._expand(tree), depth)
        if tag == "redacted":
            return f"<redacted {tree.get('rule')}>"
        if tag == "opaque":
            return f"<{tree.get('class')}>" if not tree.get("repr") else self.show(tree["repr"], depth + 1)
        value = self.show(tree["v"], depth + 1) if "v" in tree else None
        if tag in _PAIRS and isinstance(value, list):
            return {str(pair[0]): pair[1] for pair in value if isinstance(pair, list) and len(pair) == 2}
        if tag in _FIELDS and isinstance(value, dict):
            return {"class": str(tree.get("class", "")).rpartition(".")[2], **value}
        if tag == "exc":
            return {"error": str(tree.get("class", "")), "args": value}
        if tag == "enum":
            return f"{str(tree.get('class', '')).rpartition('.')[2]}.{tree.get('name')}"
        if tag == "sub" and isinstance(value, list) and len(value) == 1:
            return value[0]
        return {key: leaf for key, leaf in tree.items() if key != TAG} if value is None else value

    def _expand(self, tree: dict[str, Any]) -> list[Tree]:
        try:
            return self._folder.expand(tree)
        except Exception:  # noqa: BLE001 - people see what is there
            return [part for shown in tree.get("v", ()) if isinstance(shown, list) for part in shown]
