"""The deployment monitoring dashboard: its words, its page, and its JSON."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
import time_machine
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import DjangoAssertNumQueries

from core import environments
from core.actors import Actor
from flags.models import Flag, FlagState
from flags.services import tokens
from incidents.services import opening
from migrations_app.adapters.vitals import used
from migrations_app.selectors.vitals import Unreachable, Vitals
from monitoring.models import Bucket
from monitoring.services.ingest import Gauge, store_gauges
from reports.domain import dashboard as domain
from reports.domain.dashboard import Reading, Scale, Word
from reports.selectors import dashboard
from reports.services import databases
from tests.conftest import KEY
from tests.reports.conftest import GOOD, Measure

PAGE, JSON = "/admin/dashboard/", "/api/v1/dashboard"
NEEDED = ("responseTime", "errorRate")
LOWER = Scale("x", "%", "lower", warning=1, critical=5)


def reading(key: str, value: float | None, *, fresh: bool = True) -> Reading:
    return Reading(key, key, LOWER, value=value, fresh=fresh)


@pytest.mark.parametrize(
    ("response", "error", "troubles", "worries", "word"),
    [
        (0.5, 0.5, [], [], Word.HEALTHY),
        (0.5, 2, [], [], Word.DEGRADED),
        (0.5, 0.5, [], ["incident 1 of level 1 is open"], Word.DEGRADED),
        (9, 2, [], [], Word.UNHEALTHY),
        (0.5, 0.5, ["a trigger has fired"], [], Word.UNHEALTHY),
        (0.5, None, [], [], Word.UNKNOWN),
        (None, None, [], [], Word.UNKNOWN),
        (None, 9, [], [], Word.UNHEALTHY),
        (None, None, ["a trigger has fired"], [], Word.UNHEALTHY),
    ],
)
def test_the_word_for_an_application_is_the_worst_that_is_known(
    response: float | None, error: float | None, troubles: list[str], worries: list[str], word: Word
) -> None:
    readings = [reading("responseTime", response), reading("errorRate", error)]
    found, why = domain.application(readings, NEEDED, troubles=troubles, worries=worries)
    assert found is word
    assert why.endswith(".")


@given(value=st.none() | st.floats(allow_nan=False, allow_infinity=False), fresh=st.booleans())
def test_no_word_is_good_without_a_fresh_figure(value: float | None, fresh: bool) -> None:
    one = reading("x", value, fresh=fresh)
    known = fresh and value is not None
    assert (domain.pool(one) is Word.UNKNOWN) == (domain.queries(one) is Word.UNKNOWN) == (not known)
    word, _ = domain.application([one], ["x"], troubles=[])
    assert known or word is Word.UNKNOWN


@given(
    st.dictionaries(st.integers(0, domain.STEPS + 1), st.floats(0, 1e6), min_size=1),
    st.integers(0, domain.STEP - 1),
)
def test_a_trend_has_the_mean_of_each_half_hour_in_its_place(means: dict[int, float], into: int) -> None:
    """`means` by how many half hours ago they begin."""
    base = 1_754_900_000 // domain.STEP * domain.STEP
    now = datetime.fromtimestamp(base + into).astimezone()
    rows = {base - domain.STEP * ago: value for ago, value in means.items()}
    one = domain.read("x", "x", LOWER, last=None, at=None, means=rows, now=now)
    assert one.trend == tuple(means.get(ago) for ago in reversed(range(domain.STEPS)))
    yesterday = [means[ago] for ago in (domain.STEPS, domain.STEPS + 1) if ago in means]
    assert one.before == (pytest.approx(sum(yesterday) / len(yesterday)) if yesterday else None)


@pytest.mark.parametrize(
    ("told", "percent"), [({"current": 25, "available": 75}, 25.0), ({"current": 5}, None), ({}, None)]
)
def test_connections_in_use_are_of_all_that_the_server_allows(told: dict[str, int], percent: float | None) -> None:
    assert used(told) == percent


def test_figures_are_the_newest_with_the_day_before_beside_them(measure: Measure, now: datetime) -> None:
    measure({"error_rate": 0.4}, at=now - timedelta(hours=24))
    measure(GOOD, at=now)
    found = dashboard.dashboard(environments.get("production"), now=now).health
    error = next(one for one in found.application if one.key == "errorRate")
    assert (found.status, found.pool, found.queries) == (Word.HEALTHY, Word.HEALTHY, Word.OPTIMAL)
    assert (error.value, error.measured_at, error.band) == (0.1, now, "fine")
    assert error.change == pytest.approx(-0.3)
    assert error.worse is False


def test_an_old_figure_is_told_and_counts_for_nothing(
    measure: Measure, now: datetime, client_as: Callable[[str], Client]
) -> None:
    measure(GOOD, at=now)
    later = now + timedelta(minutes=5)
    found = dashboard.dashboard(environments.get("production"), now=later).health
    assert (found.status, found.pool, found.queries) == (Word.UNKNOWN,) * 3
    with time_machine.travel(later, tick=False):
        text = client_as("viewer").get(PAGE).text
    assert "no data since" in text
    assert "HEALTHY" not in text
    assert "OPTIMAL" not in text


def test_an_open_incident_is_no_health_whatever_is_measured(
    measure: Measure, now: datetime, operator_actor: Actor
) -> None:
    measure(GOOD, at=now)
    opening.declare("production", "Slow melts", 2, actor=operator_actor, now=now)
    found = dashboard.dashboard(environments.get("production"), now=now).health
    assert found.status is Word.UNHEALTHY
    assert "of level 2 is open" in found.why
    assert dashboard.dashboard(environments.get("staging"), now=now).health.status is Word.UNKNOWN


def test_an_empty_dashboard_says_so_and_a_stranger_sees_none(
    client_as: Callable[[str], Client], all_environments: None, django_user_model: type
) -> None:
    text = client_as("viewer").get(PAGE).text
    assert "no data in the last 24 hours" in text
    assert "UNKNOWN" in text
    client = Client()
    nobody = django_user_model.objects.create_user("nobody", is_staff=True)  # type: ignore[attr-defined]
    client.force_login(nobody, "django.contrib.auth.backends.ModelBackend")
    assert client.get(PAGE).status_code == 403
    assert client_as("viewer").get(f"{PAGE}?environment=moon").status_code == 404


def test_the_page_asks_twenty_queries_at_most_whatever_the_amounts(
    measure: Measure,
    flag: Flag,
    now: datetime,
    client_as: Callable[[str], Client],
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    client = client_as("approver")
    client.get(f"{PAGE}?environment=production")
    made = Flag.objects.bulk_create(Flag(key=f"flag{n:04d}", name="x", created_at=now) for n in range(200))
    FlagState.objects.bulk_create(
        FlagState(flag=one, environment=environments.get("production"), enabled=True, changed_at=now) for one in made
    )
    measure(GOOD, at=now)
    for one in made[:30]:
        measure({"adoption_rate": 45.0, "success_rate": 99.2}, at=now, feature=one.key)
    production = environments.get("production").pk
    store_gauges(production, "json", [Gauge("discrepancies_found_total", {"flag": KEY}, now.timestamp(), 3)], now=now)
    with time_machine.travel(now, tick=False), django_assert_max_num_queries(20):
        text = client.get(PAGE).text
    assert "181 more flags" in text
    assert text.count(">99.2 %<") == 20


def json_of(where: str, operator_actor: Actor, now: datetime, asked: str = "") -> tuple[int, dict[str, object]]:
    _, text = tokens.create("reader", where, ["operate"], actor=operator_actor, now=now)
    with time_machine.travel(now, tick=False):
        answer = Client().get(f"{JSON}{asked}", headers={"Authorization": f"Bearer {text}"})
    return answer.status_code, answer.json()


def test_machines_read_the_shape_of_the_seed(
    measure: Measure, flag: Flag, operator_actor: Actor, now: datetime
) -> None:
    measure(GOOD, at=now)
    measure({"adoption_rate": 45.0, "success_rate": 99.2}, at=now, feature=KEY)
    status, found = json_of("production", operator_actor, now)
    assert status == 200
    assert found["applicationHealth"] == {
        "status": "HEALTHY",
        "uptime": "99.95%",
        "responseTime": 250,
        "errorRate": 0.1,
    }
    assert found["featureAdoption"] == {
        KEY: {"enabled": False, "adoptionRate": 45, "successRate": 99.2, "discrepanciesDetected": None}
    }
    assert found["databaseHealth"] == {
        "connectionPool": "HEALTHY",
        "replicationLag": 50,
        "queryPerformance": "OPTIMAL",
    }


def test_machines_read_null_where_nothing_is_measured_and_nothing_of_another_environment(
    measured_catalogue: None, operator_actor: Actor, now: datetime
) -> None:
    status, found = json_of("staging", operator_actor, now, "?environment=staging")
    assert (status, found["databaseHealth"]) == (
        200,
        {"connectionPool": "UNKNOWN", "replicationLag": None, "queryPerformance": "UNKNOWN"},
    )
    status, found = json_of("staging", operator_actor, now, "?environment=production")
    assert (status, "tells nothing of production" in str(found["detail"])) == (403, True)


def test_the_database_is_measured_and_one_that_is_away_leaves_no_figure(
    all_environments: None, now: datetime, settings: object
) -> None:
    settings.NCTOOL_MONGODBS = {"STAGING": "mongodb://away/nctool"}  # type: ignore[attr-defined]

    def ask(environment: str) -> Vitals:
        if environment == "staging":
            raise Unreachable("no answer")
        return Vitals(query_ms=2.5, connections=None, lag_ms=0.0)

    assert databases.measure_all(clock=lambda: now, ask=ask) == 1
    rows = Bucket.objects.values_list("series__environment__key", "series__name", "series__source", "last")
    assert sorted(rows) == [
        ("production", "mongodb_query_ms", "probed", 2.5),
        ("production", "mongodb_replication_lag_ms", "probed", 0.0),
    ]
