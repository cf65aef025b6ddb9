"""The deployment monitoring dashboard of one environment."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from django.db.models import Case, Count, IntegerField, QuerySet, Value, When, Window

import alerting.selectors
import flags.selectors
import incidents.selectors
import monitoring.selectors
from core import together
from monitoring.domain.metrics import preferred
from monitoring.selectors.stood import Stood, stood
from monitoring.selectors.totals import totals
from reports.domain import dashboard as domain
from reports.domain.dashboard import STEP, STEPS, Reading, Scale, Word

if TYPE_CHECKING:
    from core.models import Environment
    from flags.models import FlagState

MOST_FLAGS = 20
MOST_FLAGS_TOLD = 200  # to a machine
DAY = 86_400
APPLICATION = {"uptime": "uptime", "responseTime": "avg_response_time", "errorRate": "error_rate"}
NEEDED = ("responseTime", "errorRate")
DATABASE = {"connectionPool": "connection_pool", "replicationLag": "replication_lag", "queryPerformance": "query_time"}
FEATURE = {"adoptionRate": "adoption_rate", "successRate": "success_rate"}
WANTED = [*APPLICATION.values(), *DATABASE.values(), *FEATURE.values()]
DISCREPANCIES = "discrepancies_found_total"  # a counter with the label `flag`

Found = Mapping[str, Sequence[Any]]  # rows by what they were asked as


@dataclass(frozen=True, slots=True)
class Feature:
    """One flag where it runs. `discrepancies` is None for a flag that never reported any."""

    state: FlagState
    adoption: Reading
    success: Reading
    discrepancies: int | None


@dataclass(frozen=True, slots=True)
class Health:
    """`applicationHealth` and `databaseHealth`. `why` is a sentence about `status`."""

    environment: Environment
    status: Word
    why: str
    application: list[Reading]
    database: list[Reading]
    pool: Word
    queries: Word
    read_at: datetime

    @property
    def tone(self) -> str:
        return domain.TONES[self.status]

    @property
    def icon(self) -> str:
        return domain.ICONS[self.tone]

    def word_of(self, reading: Reading) -> Word | None:
        """The seed's word for a figure that has one."""
        return {"connectionPool": self.pool, "queryPerformance": self.queries}.get(reading.key)


@dataclass(frozen=True, slots=True)
class Dashboard:
    """Everything on the page. `more` flags are left out; `counted_since` is when discrepancies are counted from."""

    health: Health
    features: list[Feature]
    more: int
    counted_since: datetime


def health(environment: Environment, found: Found, *, now: datetime) -> Health:
    """How application and database do: three queries, whatever was measured.

    Args:
        found: what was read of `asked`.
    """
    return _health(environment, _Figures(environment, found, now=now), found, now=now)


def asked(environment: Environment) -> dict[str, QuerySet[Any]]:
    """What has to be read for `health`: the catalogue's figures, and what is open or has fired there."""
    critical = alerting.selectors.firing(environment.key).filter(severity="critical")
    return {
        "metrics": monitoring.selectors.catalogue().filter(key__in=WANTED),
        "open_here": incidents.selectors.open_ones(environment.key).values_list("pk", "level")[:5],
        "fired_here": monitoring.selectors.latched(environment.key).values_list("name", flat=True)[:3],
        "critical_here": critical.values_list("name", flat=True)[:20],
    }


def dashboard(environment: Environment, *, now: datetime, most: int = MOST_FLAGS) -> Dashboard:
    """All of it: eight queries at most. The `most` flags are shown that matter most now."""
    found = together.read(**asked(environment), states=shown_first(environment, most))
    states = found["states"]
    figures = _Figures(environment, found, now=now, flags=[state.flag.key for state in states])
    since = int(now.timestamp()) - DAY
    discrepancies = _discrepancies(environment.pk, since=since, now=now)
    features = [
        Feature(
            state,
            figures.one("adoptionRate", FEATURE["adoptionRate"], state.flag.key),
            figures.one("successRate", FEATURE["successRate"], state.flag.key),
            discrepancies.get(state.flag.key),
        )
        for state in states
    ]
    health_now = _health(environment, figures, found, now=now)
    return Dashboard(health_now, features, more_than(states), datetime.fromtimestamp(since, UTC))


def shown_first(environment: Environment, most: int, moving: QuerySet[Any] | None = None) -> QuerySet[FlagState]:
    """The flags of an environment that matter most.

    First those whose ids are `moving`, then those that were stopped, those that are on, and the rest.
    """
    every = flags.selectors.states(environment.key)
    rank = Case(
        *([] if moving is None else [When(flag_id__in=moving, then=Value(0))]),
        When(enabled=False, disabled_at__isnull=False, then=Value(1)),
        When(enabled=True, then=Value(2)),
        default=Value(3),
        output_field=IntegerField(),
    )
    total = Window(Count("pk"))  # of all, beside each row
    return every.annotate(rank=rank, total=total).order_by("rank", "flag__key")[:most]


def more_than(shown: Sequence[FlagState]) -> int:
    """How many flags there are beside these, that were read of `shown_first`."""
    return shown[0].total - len(shown) if shown else 0  # type: ignore[attr-defined]  # annotated


class _Figures:
    """The figures of the catalogue that a dashboard shows: three queries."""

    def __init__(self, environment: Environment, found: Found, *, now: datetime, flags: Iterable[str] = ()) -> None:
        self._now = now
        self._scales = {
            row.key: Scale(row.title, row.unit, row.better, row.warning, row.critical) for row in found["metrics"]
        }
        end = int(now.timestamp())
        start = end // STEP * STEP - STEP * (STEPS + 2)
        rows = stood(environment.pk, WANTED, start=start, end=end, step=STEP, features=set(flags))
        self._rows: dict[tuple[str, str], Stood] = {(row.name, row.labels.get("feature", "")): row for row in rows}

    def one(self, key: str, metric: str, feature: str = "") -> Reading:
        scale = self._scales.get(metric, Scale(metric.replace("_", " ").capitalize()))
        row = self._rows.get((metric, feature))
        if row is None:
            return Reading(key, metric, scale)
        return domain.read(key, metric, scale, last=row.last, at=row.at, means=row.means, now=self._now)


def _health(environment: Environment, figures: _Figures, found: Found, *, now: datetime) -> Health:
    application = [figures.one(key, metric) for key, metric in APPLICATION.items()]
    database = [figures.one(key, metric) for key, metric in DATABASE.items()]
    pool, _, queries = database
    grave, minor = _incidents(found["open_here"])
    troubles = [*grave, *_fired(found)]
    worries = [*minor, *domain.beyond(database)]
    status, why = domain.application(application, NEEDED, troubles=troubles, worries=worries)
    return Health(
        environment, status, why, application, database, domain.pool(pool), domain.queries(queries), read_at=now
    )


def _fired(found: Found) -> list[str]:
    """What has fired there and waits."""
    fired = [f"{name} has fired" for name in found["fired_here"]]
    return [*fired, *(f"alert {name} fires" for name in list(dict.fromkeys(found["critical_here"]))[:3])]


def _incidents(rows: Iterable[tuple[int, int]]) -> tuple[list[str], list[str]]:
    """The open incidents there in words, those of level 2 and 3 and those of level 1."""
    told = [(level, f"incident {pk} of level {level} is open") for pk, level in rows]
    return [words for level, words in told if level > 1], [words for level, words in told if level == 1]


def _discrepancies(environment_id: int, *, since: int, now: datetime) -> dict[str, int]:
    """By flag, what its reconciliation found since then: four queries at most."""
    read = totals(environment_id, [DISCREPANCIES], start=since, end=int(now.timestamp()))
    reporting = {one.source for one in read if one.rows}
    source = preferred(reporting) if reporting else ""
    found: dict[str, int] = {}
    for one in read:
        flag = one.labels.get("flag", "")
        found.setdefault(flag, 0)
        if one.source == source:
            found[flag] += round(sum(row.sum for row in one.rows))
    return found
