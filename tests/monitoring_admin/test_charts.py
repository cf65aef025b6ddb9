"""Charts: their steps, their gaps, their threshold and the changes they mark."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoAssertNumQueries

from core.actors import Actor
from flags.services import rollout
from monitoring.admin import spans
from monitoring.models import Bucket, Series, Trigger
from tests.monitoring_admin.conftest import KEY, judge, report

pytestmark = pytest.mark.django_db
ClientAs = Callable[[str], Client]
MakeSeries = Callable[..., Series]


def series_page(series: Series) -> str:
    return f"/admin/monitoring/series/{series.pk}/change/"


def trigger_page(trigger: Trigger) -> str:
    return f"/admin/monitoring/trigger/{trigger.pk}/change/"


def drawn(client: Client, page: str, span: str = "1h") -> dict[str, Any]:
    return client.get(page, {"range": span}).context["chart"].as_json()


@pytest.mark.parametrize("span", spans.SPANS)
def test_no_span_has_more_than_400_points_and_the_last_one_is_under_way(span: spans.Span, now: datetime) -> None:
    start, end = span.bounds(now)
    assert (end - start) // span.step <= 400
    assert start % span.step == end % span.step == 0
    assert end - span.step <= now.timestamp() < end


def test_a_step_without_a_report_is_a_gap_and_not_a_zero(
    client_as: ClientAs, series: MakeSeries, now: datetime
) -> None:
    row, at = series("melt_duration_ms", "timing", flag=KEY, variant="on"), int(now.timestamp())
    report(row, at - 30, 1_800, n=2)
    report(row, at - 10, 4_000, n=4)
    line = drawn(client_as("viewer"), series_page(row))["lines"][0]
    assert line["values"][-4:] == [900, None, 1000, None]
    assert line["samples"][-4:] == [2, 0, 4, 0]


@pytest.mark.parametrize(("span", "value"), [("15m", 12.0), ("6h", 2.0)])
def test_a_counter_is_drawn_per_minute_so_that_steps_of_any_length_compare(
    span: str, value: float, client_as: ClientAs, series: MakeSeries, now: datetime
) -> None:
    row = series("melt_operations_total", flag=KEY, variant="on")
    report(row, int(now.timestamp()) - 60, 2)
    values = drawn(client_as("viewer"), series_page(row), span)["lines"][0]["values"]
    assert [each for each in values if each is not None] == [value]


def test_a_chart_compares_the_series_of_one_metric_and_flag(client_as: ClientAs, series: MakeSeries) -> None:
    off = series("melt_duration_ms", "timing", flag=KEY, variant="off")
    on = series("melt_duration_ms", "timing", flag=KEY, variant="on")
    series("melt_duration_ms", "timing", flag="other", variant="on")
    lines = drawn(client_as("viewer"), series_page(on))["lines"]
    assert [(line["label"], line["main"]) for line in lines] == [("variant=on", True), ("variant=off", False)]
    assert off.pk < on.pk


def test_changes_of_the_flag_are_marked_where_they_happened(
    client_as: ClientAs, series: MakeSeries, operator_actor: Actor, now: datetime
) -> None:
    row = series("melt_operations_total", flag=KEY, variant="on")
    for minutes, share in ((120, 10), (30, 25)):
        rollout.set_rollout(
            KEY, "production", share, actor=operator_actor, reason="week 5", now=now - timedelta(minutes=minutes)
        )
    rollout.set_rollout(KEY, "staging", 50, actor=operator_actor, reason="", now=now - timedelta(minutes=5))
    (mark,) = drawn(client_as("viewer"), series_page(row))["marks"]
    assert (mark["text"], mark["at"]) == ("10 → 25 %", (now - timedelta(minutes=30)).timestamp())
    assert client_as("viewer").get(mark["url"]).status_code == 200


def test_a_trigger_s_line_is_the_worst_that_was_judged_and_its_threshold_follows_the_rule(
    client_as: ClientAs, trigger: Trigger, now: datetime
) -> None:
    at = int(now.timestamp())
    for ago, value, threshold in ((130, 1.0, 8.0), (120, 6.0, 5.0), (110, 2.0, 5.0), (20, None, 5.0)):
        judge(trigger, at - ago, value, threshold=threshold)
    chart = drawn(client_as("viewer"), trigger_page(trigger), "6h")
    assert chart["lines"][0]["values"][-4:] == [1.0, 6.0, None, None]
    assert chart["threshold"][-5:] == [8.0, 8.0, 5.0, 5.0, 5.0]
    assert chart["unit"] == "%"


def test_the_threshold_of_a_mean_is_on_the_chart_of_its_timing(
    client_as: ClientAs, series: MakeSeries, trigger: Trigger
) -> None:
    trigger.measure, trigger.numerator, trigger.threshold = "mean", {"metric": "melt_duration_ms", "labels": {}}, 5000
    trigger.save()
    page = series_page(series("melt_duration_ms", "timing", flag=KEY))
    assert set(drawn(client_as("viewer"), page)["threshold"]) == {5000}
    assert "threshold 5,000 ms" in client_as("viewer").get(page).content.decode()
    assert drawn(client_as("viewer"), series_page(series("x_total")))["threshold"] == []


def test_a_window_longer_than_a_step_is_one_piece_of_the_line(
    client_as: ClientAs, trigger: Trigger, now: datetime
) -> None:
    """Windows wait for their samples: those of 30 and 20 s here must join, and the one without a value must not."""
    at = int(now.timestamp())
    for start, end, value in ((-80, -50, 2.0), (-50, -30, 4.0), (-30, -10, None)):
        judge(trigger, at + end, value, window_start=at + start)
    line = drawn(client_as("viewer"), trigger_page(trigger), "15m")["lines"][0]
    assert line["values"][-9:] == [None, 2.0, 2.0, 2.0, 4.0, 4.0, None, None, None]
    assert sum(line["samples"]) == 150


def test_a_range_that_is_none_becomes_one_hour(client_as: ClientAs, trigger: Trigger) -> None:
    for asked in ("", "abc", "7d'; drop table"):
        assert client_as("viewer").get(trigger_page(trigger), {"range": asked}).context["chart"].span.key == "1h"


def test_the_points_are_there_as_a_table(client_as: ClientAs, series: MakeSeries, now: datetime) -> None:
    row = series("melt_duration_ms", "timing", flag=KEY)
    report(row, int(now.timestamp()) - 30, 1_800, n=2)
    asked = {"range": "1h", "points": "1"}
    text = client_as("viewer").get(series_page(row), asked, headers={"HX-Request": "true"}).content.decode()
    assert "<table" in text
    assert ">900<" in text.replace("\n", "")
    assert "<html" not in text


def test_an_empty_chart_says_so(client_as: ClientAs, series: MakeSeries) -> None:
    assert "Nothing in this time." in client_as("viewer").get(series_page(series("x_total"))).content.decode()


MANY = """
    INSERT INTO monitoring_bucket (series_id, start, n, "sum", "min", "max", "last")
    WITH RECURSIVE step(at) AS (SELECT {last} UNION ALL SELECT at - 10 FROM step WHERE at > {last} - 10 * {count})
    SELECT {series}, at, 5, 50, 1, 20, 10 FROM step
"""


def test_pages_take_the_same_queries_with_a_hundred_thousand_buckets(
    client_as: ClientAs,
    series: MakeSeries,
    trigger: Trigger,
    now: datetime,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    client = client_as("viewer")
    rows = [series("melt_operations_total", flag=KEY, variant="on")]
    pages = (
        series_page(rows[0]) + "?range=7d",
        "/admin/monitoring/series/",
        trigger_page(trigger),
        "/admin/monitoring/trigger/",
    )
    client.get(pages[1])
    with CaptureQueriesContext(connection) as before:
        for page in pages:
            client.get(page)
    assert len(before) <= 40
    rows += [series("melt_operations_total", flag=KEY, variant=f"v{n}") for n in range(5)]
    for row in rows:
        with connection.cursor() as cursor:
            cursor.execute(MANY.format(last=int(now.timestamp()) // 10 * 10 - 10, count=20_000, series=row.pk))
    assert Bucket.objects.count() > 100_000
    with django_assert_num_queries(len(before)):
        answers = [client.get(page) for page in pages]
    assert [answer.status_code for answer in answers] == [200] * 4
    assert len(answers[0].context["chart"].lines) == 6
