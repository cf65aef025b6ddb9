"""What the command line says of migrations, line by line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from migrations_app.adapters.modules import Loaded
from migrations_app.domain.readiness import Readiness
from migrations_app.models import MigrationRun
from migrations_app.selectors.keeping import kept_until
from migrations_app.selectors.shown import moment, progress

WIDTH = 30  # characters of the bar


def line(row: MigrationRun) -> str:
    """One run in one line."""
    by = f"asked by {row.requested_by}" + (f", approved by {row.approved_by}" if row.approved_by else "")
    return (
        f"{row.uid} {row.environment.key}: {row.title} ({', '.join(row.phases)}), {row.state.replace('_', ' ')}, {by}"
    )


def bar(row: MigrationRun) -> str:
    """How far a run is, as one line with a bar."""
    told = progress(row)
    percent = told["percent"] or 0.0
    full = round(WIDTH * percent / 100)
    parts = [f"[{'#' * full}{'.' * (WIDTH - full)}] {percent:5.1f} %", row.state.replace("_", " ")]
    parts += [told["operation"]] if told["operation"] else []
    parts += [f"{told['documents']:,} of {told['planned']:,}"] if told["planned"] else []
    parts += [f"{told['rate']:,.0f}/s"] if told["rate"] else []
    parts += [f"{told['seconds_left']} s left"] if told["seconds_left"] else []
    parts += [told["waiting"]] if told["waiting"] else []
    return "  ".join(parts)


def run(row: MigrationRun) -> list[str]:
    """Everything of a run that a person at a terminal asks for."""
    found = [line(row), f"  reason: {row.reason}"]
    found += [f"  target: {row.plan['target']}"] if row.plan.get("target") else []
    found += [f"  digest: {row.digest}"] if row.state == "requested" else []
    found += [f"  began {moment(row.started_at)}, ended {moment(row.ended_at)}"] if row.started_at else []
    until = kept_until(row)
    found += [f"  its journal is kept until {moment(until)}"] if until else []
    found += [f"  error: {row.error}"] if row.error else []
    for log in (row.of or row).logs.order_by("id"):
        took = f", {log.duration / 1000:,.1f} s" if log.duration is not None else ""
        found.append(f"  {log.phase}: {log.status} since {moment(log.start_time)}{took} {log.error}".rstrip())
    for name in ("before", "after"):
        results = getattr(row, name)
        found += [f"  {name}:", *(f"  {each}" for each in validation(results))] if results else []
    for name, value in row.result.items():
        found.append(f"  {name}: {value}")
    return found


def plan(found: Mapping[str, Any]) -> list[str]:
    lines = [f"{found['migration']} on {found['target']}"]
    for each in found["operations"]:
        if "index" in each:
            told = "nothing to do" if each["nothing"] else "to do"
        else:
            told = f"{each['documents']:,} of {each['of']:,} documents"
        lines.append(f"  {each['title']}: {told}")
        lines += [f"    {text}" for sample in each.get("samples", ()) for text in _sample(sample)]
    lines.append(f"  about {found['seconds']} s, {found['journal_bytes'] / 1e6:.1f} MB of journal")
    return lines


def _sample(sample: Mapping[str, Any]) -> Iterator[str]:
    yield from ("before:", *sample["before"].splitlines())
    if "error" in sample:
        yield f"cannot be changed: {sample['error']}"
        return
    yield from ("after:", *sample["after"].splitlines())
    yield f"the way back: {sample['back']}"


def readiness(found: Readiness) -> list[str]:
    lines = [f"{found.database} ({found.server}), asked in {found.seconds:.1f} s"]
    for check in found.checks:
        lines.append(
            f"  {check.standing.value:8} {check.title}: {check.value or '–'} (limit {check.limit}) {check.why}"
        )
        if check.blocks and check.remedy:
            lines.append(f"           {check.remedy}")
    return lines


def validation(found: Mapping[str, Any]) -> list[str]:
    lines = []
    for name, count in found.get("totals", {}).items():
        lines.append(f"  {name}: {count:,} documents")
    for title, check in found.get("checks", {}).items():
        told = check.get("told") or f"{check.get('value', ''):,}"
        lines.append(f"  {'ok ' if check['ok'] else 'NOT'} {title}: {told}")
        lines += [
            f"        {kind}: {', '.join(map(str, keys[:10]))}" for kind, keys in check.get("named", {}).items() if keys
        ]
    lines += [f"  journal: {count:,} documents {fate}" for fate, count in found.get("journal", {}).items()]
    return lines


def status(
    loaded: Mapping[str, Loaded],
    applied: Mapping[str, Mapping[str, str]],
    keys: Sequence[str],
    live: Sequence[MigrationRun],
) -> list[str]:
    lines = []
    for number, each in loaded.items():
        lines.append(each.migration.title + (f"  {'; '.join(each.problems)}" if each.problems else ""))
        lines += [f"  {key}: {applied[number].get(key, 'not applied')}" for key in keys]
    return [*lines, *(line(row) for row in live)]


def worker(seen: datetime | None, *, now: datetime) -> str:
    """Whether anybody carries runs out."""
    if seen is None:
        return "No migrator has worked yet: start manage.py migrator (manage.py up starts it, too)."
    return f"A migrator was at work {(now - seen).total_seconds():.0f} s ago."
