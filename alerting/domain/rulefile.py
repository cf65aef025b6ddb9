"""Rule files: the short form (`alerts:` with conditions), and Prometheus' rule groups (`groups:`).

Everything that is wrong is told at once, each with its line.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from io import StringIO
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import YAMLError

from alerting.domain import durations
from alerting.domain.conditions import to_expr
from alerting.domain.definition import Definition
from core.errors import Invalid

LONGEST = 500_000  # characters
MOST = 1_000  # rules
SHORT = {"name", "condition", "duration", "severity", "labels", "annotations", "runbook", "keepFiring", "environments"}
LONG = {"alert", "expr", "for", "keep_firing_for", "labels", "annotations"}
GROUP = {"name", "interval", "labels", "rules"}
SHORT_GROUP = "alerts"


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule of the file, with the line it stands on."""

    group: str
    name: str
    values: Mapping[str, Any]
    line: int


@dataclass(frozen=True, slots=True)
class Flaw:
    line: int
    text: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.text}"


class Unreadable(Invalid):
    """The file has these flaws."""

    def __init__(self, flaws: list[Flaw]) -> None:
        super().__init__("\n".join(map(str, flaws)), field="file")
        self.flaws = flaws


def read(text: str, units: Mapping[str, str], source: str = "") -> list[Rule]:
    """The rules of a file of either form. Raises Unreadable with all flaws.

    Args:
        units: by the catalogue's metric.
        source: the Prometheus that is to evaluate the rules in its form; empty: they are evaluated here.
    """
    if len(text) > LONGEST:
        raise Unreadable([Flaw(1, f"A rule file has at most {LONGEST:,} characters.")])
    try:
        document = YAML(typ="rt").load(StringIO(text))
    except YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise Unreadable(
            [Flaw((mark.line if mark else 0) + 1, f"not YAML: {getattr(error, 'problem', error)}")]
        ) from None
    if not isinstance(document, CommentedMap) or not {"alerts", "groups"} & set(document):
        raise Unreadable([Flaw(1, "A rule file has alerts: or groups:.")])
    flaws: list[Flaw] = [
        Flaw(_line(document, key), f"{key!r} is not supported.") for key in document if key not in ("alerts", "groups")
    ]
    rules = [*_short(document, units, flaws), *_long(document, source, flaws)]
    seen: dict[tuple[str, str], int] = {}
    for rule in rules:
        first = seen.setdefault((rule.group, rule.name), rule.line)
        if first != rule.line:
            flaws.append(Flaw(rule.line, f"{rule.name} is defined on line {first} already."))
    if len(rules) > MOST:
        flaws.append(Flaw(1, f"At most {MOST:,} rules."))
    if flaws:
        raise Unreadable(sorted(flaws, key=lambda flaw: flaw.line))
    return rules


def short_values(one: Mapping[str, Any], units: Mapping[str, str]) -> dict[str, Any]:
    """A rule of the short form as the values of a Definition. Raises Invalid with the field as the file names it."""
    condition = one.get("condition", "")
    if not isinstance(condition, str):
        raise Invalid("A condition like `error_rate > 1%`.", field="condition")
    return {
        "expr": to_expr(condition, units),
        "condition": condition,
        "for_seconds": durations.seconds(str(one.get("duration", "0")), field="duration"),
        "keep_firing_seconds": durations.seconds(str(one.get("keepFiring", "0")), field="keepFiring"),
        "severity": one.get("severity", ""),
        "labels": dict(one.get("labels") or {}),
        "annotations": dict(one.get("annotations") or {}),
        "runbook_url": one.get("runbook", ""),
    }


def long_values(one: Mapping[str, Any], shared: Any = None) -> dict[str, Any]:
    """A rule of Prometheus as the values of a Definition; the label severity is the severity. Raises Invalid.

    Args:
        shared: the labels of its group, which its own take precedence over.
    """
    labels = {**dict(shared or {}), **dict(one.get("labels") or {})}
    annotations = dict(one.get("annotations") or {})
    return {
        "expr": one.get("expr", ""),
        "condition": "",
        "for_seconds": durations.seconds(str(one.get("for", "0")), field="for"),
        "keep_firing_seconds": durations.seconds(str(one.get("keep_firing_for", "0")), field="keep_firing_for"),
        "severity": labels.pop("severity", "warning"),
        "labels": labels,
        "runbook_url": annotations.pop("runbook_url", ""),
        "annotations": annotations,
    }


def _short(document: CommentedMap, units: Mapping[str, str], flaws: list[Flaw]) -> Iterator[Rule]:
    for one, line in _maps(document.get("alerts", []), document, "alerts", flaws):
        yield from _checked(one, line, SHORT, "name", SHORT_GROUP, lambda given: short_values(given, units), flaws)


def _long(document: CommentedMap, source: str, flaws: list[Flaw]) -> Iterator[Rule]:
    for group, line in _maps(document.get("groups", []), document, "groups", flaws):
        flaws += [Flaw(_line(group, key), f"{key!r} of a group is not supported.") for key in group if key not in GROUP]
        name, shared = group.get("name"), group.get("labels") or {}
        if not isinstance(name, str) or not name:
            flaws.append(Flaw(line, "A group has a name."))
            continue
        if not isinstance(shared, CommentedMap | dict):
            flaws.append(Flaw(_line(group, "labels"), "labels are names with texts."))
            continue
        for one, at in _maps(group.get("rules", []), group, "rules", flaws):
            if "record" in one:
                flaws.append(Flaw(at, f"record {one['record']}: the catalogue of metrics records, rule files alert."))
            else:
                read = partial(_elsewhere, source, shared)
                yield from _checked(one, at, LONG, "alert", name, read, flaws)


def _elsewhere(source: str, shared: Mapping[str, Any], one: Mapping[str, Any]) -> dict[str, Any]:
    return {**long_values(one, shared), "source": source}


def _checked(
    one: CommentedMap, line: int, known: set[str], key: str, group: str, values: Any, flaws: list[Flaw]
) -> Iterator[Rule]:
    before = len(flaws)
    flaws += [Flaw(_line(one, odd), f"{odd!r} is not supported.") for odd in one if odd not in known]
    name = one.get(key)
    if not isinstance(name, str):
        flaws.append(Flaw(line, f"A rule has a name: {key}."))
        return
    try:
        found = values(one)
        Definition.read(name, found)
    except Invalid as error:
        place = next((field for field in (error.field, "labels", key) if field in one), key)
        flaws.append(Flaw(_line(one, place), f"{name}: {error}"))
    if len(flaws) == before:
        yield Rule(group, name, found, line)


def _maps(given: Any, parent: CommentedMap, key: str, flaws: list[Flaw]) -> Iterator[tuple[CommentedMap, int]]:
    if not isinstance(given, CommentedSeq):
        if given == []:
            return
        flaws.append(Flaw(_line(parent, key), f"{key} is a list."))
        return
    for index, one in enumerate(given):
        line = given.lc.item(index)[0] + 1
        if isinstance(one, CommentedMap):
            yield one, line
        else:
            flaws.append(Flaw(line, "A rule is a list of names with values."))


def _line(parent: CommentedMap, key: Any) -> int:
    try:
        return int(parent.lc.key(key)[0]) + 1
    except KeyError:
        return int(parent.lc.line) + 1
