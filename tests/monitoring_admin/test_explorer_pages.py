"""Explorer, catalogue and data sources: what they tell, and who may ask a source."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from core import environments
from core.actors import Actor
from monitoring.admin import chart
from monitoring.models import Series
from monitoring.services import catalogue, ingest, sources

pytestmark = pytest.mark.django_db
ClientAs = Callable[[str], Client]
EXPLORER = "/admin/monitoring/series/explore/"
CATALOGUE, SOURCES = "/admin/monitoring/metric/", "/admin/monitoring/source/"


@pytest.fixture
def measured(all_environments: None, operator_actor: Actor, now: datetime) -> None:
    """Two metrics of the catalogue; one is recorded now, and was a week ago in other hands."""
    told: Any = {"actor": operator_actor, "reason": "tests", "now": now}
    row = {"meaning": "How many melts fail.", "group": "Health", "owner": "ops", "better": "lower"}
    catalogue.define("error_rate", {**row, "title": "Error rate", "unit": "%", "warning": 1, "critical": 5}, **told)
    catalogue.define("uptime", {**row, "title": "Uptime", "unit": "%"}, **told)
    stamp = int(timezone.now().timestamp()) // 10 * 10
    gauges = [ingest.Gauge("error_rate", {"a": "=1+1"}, stamp - ago, 2.0) for ago in range(10, 600, 10)]
    week_ago = [ingest.Gauge("error_rate", {"a": "=1+1"}, stamp - 604_800 - ago, 1.0) for ago in range(10, 600, 10)]
    ingest.store_gauges(environments.get("production").pk, "recorded", [*week_ago, *gauges], now=now)
    source = {"name": "Health", "kind": "probe", "url": "http://127.0.0.1:9/health", "timeout": 0.5}
    sources.define("health", "production", source, **told)


def text_of(client: Client, address: str) -> str:
    return " ".join(client.get(address).content.decode().split())


def test_the_explorer_draws_a_metric_or_an_expression_and_says_when_it_is_from(
    client_as: ClientAs, measured: None
) -> None:
    client = client_as("viewer")
    page = text_of(client, EXPLORER)
    for words in (
        "How many melts fail.",
        "Warning above 1 %. Critical above 5 %.",
        "the last point of the first line",
        "a==1+1",
    ):
        assert words in page
    assert "There is nothing in the last" in text_of(client, f"{EXPLORER}?metric=uptime")
    doubled = text_of(client, f"{EXPLORER}?expr=2*error_rate&compare=on&range=15m")
    assert "a week before" in doubled
    assert "?expr=2%2Aerror_rate&amp;compare=on&amp;range=6h" in doubled
    assert "Not PromQL" in text_of(client, f"{EXPLORER}?expr=sum(")
    assert client.get(f"{EXPLORER}?environment=none").status_code == 404
    sheet = client.get(f"{EXPLORER}?metric=error_rate&csv=1")
    assert sheet["Content-Type"].startswith("text/csv")
    assert ",2.0" in sheet.content.decode()
    points = f"{EXPLORER}?metric=error_rate&points=1"
    assert "<html" not in client.get(points, headers={"HX-Request": "true"}).content.decode()
    assert "<title>" in client.get(points).content.decode()  # of its own, for whoever has no scripts


def test_any_time_is_shown_in_any_resolution_and_what_cannot_be_shown_is_said(
    client_as: ClientAs, measured: None
) -> None:
    client = client_as("viewer")
    now = int(timezone.now().timestamp())
    page = client.get(f"{EXPLORER}?metric=error_rate&from={now - 500}&to={now - 100}&step=60")
    drawn = page.context["chart"].as_json()
    assert (drawn["step"], drawn["start"] % 60, len(drawn["lines"][0]["values"])) == (60, 0, pytest.approx(7, abs=1))
    assert "every " not in page.content.decode().partition('id="ops-live"')[2][:40]  # what is over is not read again
    for word in ("Earlier", "Later", "Zoom in", "Zoom out", "Back to now"):
        assert word in page.content.decode()
    coarse = text_of(client, f"{EXPLORER}?metric=error_rate&range=7d&step=10")
    assert "In steps of 10 s these would be more than 1,000 points." in coarse
    for wrong, words in {
        "from=2020-01-01T00:00&to=2020-01-02T00:00": "Nothing is kept from before",
        f"from={now}&to={now - 600}": "at least a minute after",
        "from=soon&to=later": "A time such as",
        "step=7": "The resolution is one of",
        f"step={'9' * 5_000}": "The resolution is one of",
    }.items():
        assert words in text_of(client, f"{EXPLORER}?metric=error_rate&{wrong}"), wrong


@pytest.mark.parametrize(
    ("better", "expected"),
    [
        ("lower", [(1, 5, "warning above 1 %"), (5, None, "critical above 5 %")]),
        ("higher", [(5, 1, "warning below 1 %"), (None, 5, "critical below 5 %")]),
        ("", []),
    ],
)
def test_bands_lie_on_the_side_where_it_is_not_well(better: str, expected: list[Any]) -> None:
    found = chart.bands("%", better, warning=1, critical=5)
    assert [(band.low, band.high, band.text) for band in found] == expected


def test_a_gauge_is_shown_as_what_it_stands_at(client_as: ClientAs, measured: None) -> None:
    series = Series.objects.get(name="error_rate")
    page = text_of(client_as("viewer"), f"/admin/monitoring/series/{series.pk}/change/")
    assert "What it stood at" in page


def test_the_catalogue_tells_what_each_metric_stands_at_in_words_too(client_as: ClientAs, measured: None) -> None:
    client = client_as("viewer")
    page = text_of(client, CATALOGUE)
    for words in ("Error rate", "2 %", "no data", "warning 1 %, critical 5 %"):
        assert words in page
    assert client.get(f"{CATALOGUE}1/change/").status_code == 302


def test_a_source_is_asked_by_who_operates_and_what_it_says_is_shown(client_as: ClientAs, measured: None) -> None:
    row = sources.Source.objects.get()
    for role, status in (("viewer", 403), ("operator", 200)):
        client = client_as(role)
        assert "What comes in" in text_of(client, SOURCES)
        assert client.get(f"{SOURCES}{row.pk}/test/").status_code == status
        assert client.post(f"{SOURCES}{row.pk}/test/").status_code == (403 if role == "viewer" else 302)
    assert "up: Nobody answers there." in text_of(client, SOURCES)


def test_the_pages_take_the_same_queries_however_much_there_is(
    client_as: ClientAs, measured: None, now: datetime
) -> None:
    client = client_as("operator")

    def queries(address: str) -> int:
        with CaptureQueriesContext(connection) as found:
            assert client.get(address).status_code == 200
        return len(found)

    addresses = (EXPLORER, CATALOGUE, SOURCES)
    few = [queries(address) for address in addresses]
    stamp = timezone.now().timestamp() - 15
    many = [ingest.Gauge("error_rate", {"a": str(number)}, stamp, 1.0) for number in range(30)]
    ingest.store_gauges(environments.get("staging").pk, "recorded", many, now=now + timedelta(seconds=1))
    assert [queries(address) for address in addresses] == few
