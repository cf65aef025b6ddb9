"""From the text of a playbook to the playbook, or to everything that is wrong with it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from nctool_rollout.playbook.checks import check
from nctool_rollout.playbook.expectations import at, expected, known_keys
from nctool_rollout.playbook.model import Playbook
from nctool_rollout.playbook.problems import Path, PlaybookError, Problem
from nctool_rollout.playbook.source import Source, read


def load_text(text: str, *, file: str) -> tuple[Playbook, Source]:
    """The playbook and where its parts stand. Raises PlaybookError with everything that is wrong with it."""
    try:
        source = read(text)
    except PlaybookError as error:
        raise PlaybookError(error.problems, file=file) from error
    problems = list(source.problems)
    playbook, errors = _parse(source.data)
    told = {problem.path for problem in problems}
    problems += [_problem(error, source) for error in errors if tuple(error["loc"]) not in told]
    whole = playbook or _parse(_without(source.data, errors))[0]
    if whole is not None:
        problems += check(whole, source)
    if problems or playbook is None:
        raise PlaybookError(problems, file=file)
    return playbook, source


def _parse(data: Any) -> tuple[Playbook | None, list[ErrorDetails]]:
    try:
        # By way of JSON, where strict means: text is text and 5.1 is no text, but a word may name a choice.
        return Playbook.model_validate_json(json.dumps(data)), []
    except ValidationError as error:
        return None, error.errors(include_url=False, include_context=False)


def _without(data: Any, errors: Sequence[ErrorDetails]) -> Any:
    """The same without the entries that have errors, so that the others can be checked against each other."""
    kept = json.loads(json.dumps(data))
    for error in errors:
        path = error["loc"]
        length = 3 if path[:2] == ("deploymentConfig", "features") else 2
        if error["type"] == "extra_forbidden":
            length = len(path)
        if len(path) < length or not _drop(kept, path[:length]):
            return None
    return kept


def _drop(data: Any, path: Sequence[str | int]) -> bool:
    """Take out what the path leads to; also True when it is out already."""
    for part in path[:-1]:
        if not isinstance(data, dict | list):
            return False
        try:
            data = data[part]  # type: ignore[index]
        except (KeyError, IndexError, TypeError):
            return True
    if isinstance(data, dict):
        data.pop(path[-1], None)
    return isinstance(data, dict)


def _problem(error: ErrorDetails, source: Source) -> Problem:
    path: Path = tuple(error["loc"])
    kind, found = error["type"], error["input"]
    if path and path[-1] == "[key]":
        path = path[:-1]
        return Problem(source.line(path), path, f"{path[-1]!r} cannot be a key here: letters, digits and hyphens can.")
    if kind == "extra_forbidden":
        return Problem(source.line(path), path, _unknown_key(path))
    node = at(path)
    if kind == "missing":
        return Problem(source.line(path[:-1]), path, f"Is missing here; expected {expected(node)}.")
    message = f"Expected {expected(node)}, found {_shown(found)}.{''.join(_hints(node, found))}"
    return Problem(source.line(path), path, message)


def _unknown_key(path: Path) -> str:
    known = known_keys(at(path[:-1]))
    return f"There is no such key here.{_did_you_mean(str(path[-1]), known)} Known: {', '.join(known)}."


def _hints(node: dict[str, Any], found: Any) -> Iterator[str]:
    if isinstance(found, int | float) and not isinstance(found, bool) and node.get("type") == "string":
        yield f' Put it in quotes: "{found}".'
    if isinstance(found, str):
        yield _did_you_mean(found, [str(word) for word in node.get("enum", [])])
        if node.get("type") == "boolean" and found.lower() in ("yes", "no", "on", "off"):
            yield f" Write {'true' if found.lower() in ('yes', 'on') else 'false'}."


def _did_you_mean(word: str, known: Sequence[str]) -> str:
    near = get_close_matches(word, known, n=1)
    return f" Did you mean {near[0]!r}?" if near else ""


def _shown(found: Any) -> str:
    """What was found, short."""
    if found is None:
        return "nothing"
    if isinstance(found, dict):
        return "a mapping"
    if isinstance(found, list):
        return f"a list of {len(found)}"
    text = json.dumps(found, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:57]}…"
