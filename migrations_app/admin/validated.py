"""What the validations before and after a run found, side by side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from migrations_app.adapters import modules
from migrations_app.admin import words
from migrations_app.domain.validations import Balances
from migrations_app.models import MigrationRun


@dataclass(frozen=True, slots=True)
class Named:
    """Documents or wallets that a check names: each with the address of its page, or "" without one."""

    kind: str
    entries: list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Line:
    """One check. `ok` is None where it was not made yet after the run."""

    key: str
    title: str
    before: str
    after: str
    ok: bool | None
    named: list[Named]


@dataclass(frozen=True, slots=True)
class Comparison:
    """`totals`: collection, before and after. `wallets`: a few of them, with their sums."""

    totals: list[tuple[str, int | None, int | None]]
    lines: list[Line]
    wallets: list[tuple[str, Any, Any]]

    def __bool__(self) -> bool:
        return bool(self.lines)


def compare(row: MigrationRun) -> Comparison:
    """Empty before anything was looked at."""
    earlier, later = row.before.get("checks", {}), row.after.get("checks", {})
    collections = _collections(row.number)
    lines = [
        Line(
            f"check-{place}",
            title,
            _told(earlier.get(title)),
            _told(later.get(title)),
            later[title]["ok"] if title in later else None,
            _named(later.get(title) or earlier[title], collections.get(title, ""), row.environment.key),
        )
        for place, title in enumerate(dict.fromkeys((*earlier, *later)))
    ]
    lines.sort(key=lambda line: line.ok is not False)  # what failed first
    had, has = row.before.get("totals", {}), row.after.get("totals", {})
    totals = [(name, had.get(name), has.get(name)) for name in dict.fromkeys((*had, *has))]
    return Comparison(totals, lines, _wallets(earlier, later))


def fates(result: Mapping[str, Any], row: MigrationRun) -> list[tuple[words.FateLook, int, list[tuple[str, str]]]]:
    """What became of the documents that were taken back: how many, and those that are listed."""
    listed = result.get("listed", {})
    held = {collection for _, collection in words.titles(row.number).values()}
    where = next(iter(held)) if len(held) == 1 else ""
    return [
        (look, result.get(fate.value, 0), _links(listed.get(fate.value, ()), where, row.environment.key))
        for fate, look in words.FATES.items()
        if fate.value in result
    ]


def named(result: Mapping[str, Any]) -> list[tuple[str, list[tuple[str, str]]]]:
    """Documents that could not be changed, each with the reason."""
    titles = {"refused": "Refused by the database", "impossible": "Cannot be changed as it is meant"}
    return [(title, [(key, why) for key, why in result[name]]) for name, title in titles.items() if result.get(name)]


def _told(check: Mapping[str, Any] | None) -> str:
    if check is None:
        return ""
    value = check.get("value")
    return str(check.get("told") or (f"{value:,}" if isinstance(value, int) else ""))


def _named(check: Mapping[str, Any], collection: str, environment: str) -> list[Named]:
    return [
        Named(kind, _links(entries, collection, environment))
        for kind, entries in check.get("named", {}).items()
        if entries
    ]


def _links(entries: Any, collection: str, environment: str) -> list[tuple[str, str]]:
    return [(str(key), words.document_url(collection, str(key), environment)) for key in entries]


def _wallets(earlier: Mapping[str, Any], later: Mapping[str, Any]) -> list[tuple[str, Any, Any]]:
    title = Balances("", "").title
    had = dict(map(tuple, earlier.get(title, {}).get("sample", ())))
    has = dict(map(tuple, later.get(title, {}).get("sample", ())))
    return [(name, had.get(name), has.get(name)) for name in dict.fromkeys((*had, *has))]


def _collections(number: str) -> dict[str, str]:
    """The collection that a check is about, by its title."""
    loaded = modules.load().get(number)
    return {
        each.title: each.collection
        for each in (loaded.migration.validations if loaded else ())
        if not isinstance(each, Balances)
    }
