"""Read what the windows of a trigger are made of: three queries, whatever the trigger looks at."""

from __future__ import annotations

from collections.abc import Collection

from monitoring.domain.rule import Definition
from monitoring.domain.selection import Selection
from monitoring.domain.windows import Data, Tally, alive_from, reach
from monitoring.models import Bucket, Series


def read(environment_id: int, definition: Definition, *, since: int, until: int) -> Data:
    """The buckets that judging from `since` to `until` looks at."""
    chosen = [definition.numerator, *([definition.denominator] if definition.denominator else [])]
    top, *below = _series(environment_id, chosen)
    first = reach(definition.rule, since, until=until)
    found = _buckets({*top, *(below[0] if below else ())}, first, until)
    alive = alive_from(definition.rule, since, until=until)
    return Data(
        numerator=_line(found, top),
        denominator=_line(found, below[0]) if below else {},
        active=frozenset() if alive is None else _active(environment_id, alive, until),
    )


def _series(environment_id: int, chosen: Collection[Selection]) -> list[set[int]]:
    """The ids of the series that each selection takes."""
    names = {selection.metric for selection in chosen}
    rows = Series.objects.filter(environment_id=environment_id, name__in=names).order_by()
    known = list(rows.values_list("pk", "name", "labels"))
    return [{pk for pk, name, labels in known if selection.takes(name, labels)} for selection in chosen]


def _buckets(series_ids: Collection[int], first: int, until: int) -> list[tuple[int, int, int, float]]:
    rows = Bucket.objects.filter(series_id__in=series_ids, start__gte=first, start__lt=until)
    return list(rows.values_list("series_id", "start", "n", "sum"))


def _line(found: Collection[tuple[int, int, int, float]], series_ids: Collection[int]) -> dict[int, Tally]:
    line: dict[int, Tally] = {}
    for series_id, start, n, total in found:
        if series_id in series_ids:
            line[start] = line.get(start, Tally()) + Tally(n, total)
    return line


def _active(environment_id: int, first: int, until: int) -> frozenset[int]:
    """The buckets in which anything at all was reported."""
    rows = Bucket.objects.filter(start__gte=first, start__lt=until, series__environment_id=environment_id)
    return frozenset(rows.values_list("start", flat=True).distinct())
