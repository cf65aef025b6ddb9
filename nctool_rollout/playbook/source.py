"""The text of a playbook as plain values, with the line of each of them.

Only what JSON has: mappings, lists, text, numbers, true, false, null. No anchors, so a small file cannot
become a large one; no tags, so a file makes no objects.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import AliasEvent, CollectionEndEvent, CollectionStartEvent, NodeEvent
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from nctool_rollout.playbook.problems import Path, PlaybookError, Problem

MAX_BYTES = 256 * 1024
MAX_DEPTH = 20
_TAG = "tag:yaml.org,2002:"


@dataclass(slots=True)
class Source:
    """`lines` has the line, from 1, of every key and list entry. `problems` are those of single values."""

    data: Any = None
    lines: dict[Path, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def line(self, path: Path) -> int:
        """The line of the value, or of the nearest one around it that is written down."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)


def read(text: str) -> Source:
    """Raises PlaybookError when the text is no YAML, or YAML that a playbook may not use."""
    if len(text.encode()) > MAX_BYTES:
        raise PlaybookError([Problem(1, (), f"A playbook has at most {MAX_BYTES // 1024} KiB.")])
    try:
        refused = list(_refused(text))
        if refused:
            raise PlaybookError(refused)
        root = _yaml().compose(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        why = " ".join(part for part in (error.context, error.problem) if part)
        raise PlaybookError([Problem(mark.line + 1 if mark else 1, (), f"This is not YAML: {why}.")]) from error
    except YAMLError as error:
        line = text.count("\n", 0, getattr(error, "position", 0)) + 1  # of a character that no YAML may have
        raise PlaybookError([Problem(line, (), f"This is not YAML: {str(error).splitlines()[0]}.")]) from error
    source = Source()
    if root is None:
        raise PlaybookError([Problem(1, (), "The file is empty; a playbook begins with `playbook: 1`.")])
    source.data = _value(root, (), source)
    return source


def _yaml() -> YAML:
    return YAML(typ="safe", pure=True)


def _refused(text: str) -> Iterator[Problem]:
    """What is legal YAML but may not stand in a playbook."""
    depth = documents = 0
    for event in _yaml().parse(text):
        line = event.start_mark.line + 1
        if isinstance(event, CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                yield Problem(line, (), f"Nested more than {MAX_DEPTH} levels deep.")
                return
        elif isinstance(event, CollectionEndEvent):
            depth -= 1
        elif type(event).__name__ == "DocumentStartEvent":
            documents += 1
            if documents > 1:
                yield Problem(line, (), "A playbook is one document: leave out the line `---`.")
        if isinstance(event, AliasEvent) or (isinstance(event, NodeEvent) and event.anchor):
            yield Problem(line, (), "Anchors and aliases (& and *) are not allowed: write the value out.")


def _value(node: Node, path: Path, source: Source) -> Any:
    source.lines.setdefault(path, node.start_mark.line + 1)
    if isinstance(node, MappingNode):
        return _mapping(node, path, source)
    if isinstance(node, SequenceNode):
        return [_value(child, (*path, index), source) for index, child in enumerate(node.value)]
    return _scalar(node, path, source) if isinstance(node, ScalarNode) else None


def _mapping(node: MappingNode, path: Path, source: Source) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, child in node.value:
        line = key.start_mark.line + 1
        if not isinstance(key, ScalarNode) or key.tag in (f"{_TAG}null", f"{_TAG}bool"):
            source.problems.append(Problem(line, path, "A key is text; put it in quotes if it has to be this one."))
            continue
        inner = (*path, key.value)
        if key.value in found:
            first = source.lines[inner]
            source.problems.append(Problem(line, inner, f"Stands here twice; the other one is in line {first}."))
            continue
        source.lines[inner] = line
        found[key.value] = _value(child, inner, source)
    return found


def _scalar(node: ScalarNode, path: Path, source: Source) -> Any:
    kind = str(node.tag).removeprefix(_TAG)
    if kind in ("str", "timestamp"):
        return node.value
    if kind not in ("null", "bool", "int", "float"):
        source.problems.append(Problem(node.start_mark.line + 1, path, f"Tags ({kind}) are not allowed."))
        return None
    value = _yaml().constructor.construct_object(node)
    if isinstance(value, float) and not math.isfinite(value):
        source.problems.append(Problem(node.start_mark.line + 1, path, f"A number, not {node.value}."))
        return None
    return value
