"""The event log as a file."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from datetime import datetime

import pytest
from django.test import Client
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from core import environments, events, exporting
from core.actors import Actor
from core.models import Event

pytestmark = pytest.mark.usefixtures("all_environments")


@pytest.fixture
def history(all_environments: None, operator_actor: Actor, now: datetime) -> None:
    """Three changes of two flags; one of them with a reason that a spreadsheet would run."""
    where = environments.get("production").pk
    for subject, reason in (("flag:a", "first"), ("flag:b", '=HYPERLINK("http://x")'), ("flag:a", "last, “quoted”")):
        events.record(
            "flag.rollout_changed",
            subject=subject,
            actor=operator_actor,
            now=now,
            environment_id=where,
            reason=reason,
            before={"percentage": 5.0},
            after={"percentage": 25.0},
            data={"request": 7},
        )


def export(client: Client, form: str, **query: str) -> str:
    return b"".join(client.get(reverse("admin:core_event_export", args=[form]), query)).decode()


def test_the_list_is_exported_as_it_is_filtered(client_as: Callable[[str], Client], history: None) -> None:
    client = client_as("viewer")
    rows = list(csv.DictReader(io.StringIO(export(client, "csv", subject="flag:a"))))
    assert [row["reason"] for row in rows] == ["last, “quoted”", "first"]
    assert rows[0]["changes"] == "percentage: 5 → 25"
    assert (rows[0]["environment"], rows[0]["request"]) == ("production", "7")
    found = json.loads(export(client, "json", kind="flag.rollout_changed"))
    assert [row["subject"] for row in found] == ["flag:a", "flag:b", "flag:a"]
    assert found[0]["after"] == {"percentage": 25.0}
    assert json.loads(export(client, "json", subject="flag:nothing")) == []


def test_a_spreadsheet_runs_nothing_of_it(client_as: Callable[[str], Client], history: None) -> None:
    row = next(csv.DictReader(io.StringIO(export(client_as("viewer"), "csv", subject="flag:b"))))
    assert row["reason"] == """'=HYPERLINK("http://x")"""


@given(st.text())
def test_no_cell_begins_like_a_formula_and_none_loses_a_character(text: str) -> None:
    cell = exporting.safe(text)
    assert not cell.startswith(("=", "+", "-", "@", "\t", "\r"))
    assert cell.removeprefix("'") == text.removeprefix("'")


def test_a_long_log_is_read_piece_by_piece(client_as: Callable[[str], Client], history: None, now: datetime) -> None:
    Event.objects.bulk_create(
        Event(at=now, kind="x.y", subject="flag:many", actor="a", actor_kind="machine") for _ in range(3_000)
    )
    answer = client_as("viewer").get(reverse("admin:core_event_export", args=["csv"]))
    assert answer.streaming
    assert sum(1 for _ in answer) > 3_000


@pytest.mark.parametrize(("form", "status"), [("csv", 200), ("json", 200), ("xlsx", 404)])
def test_only_known_forms_are_exported(
    client_as: Callable[[str], Client], history: None, form: str, status: int
) -> None:
    assert client_as("viewer").get(reverse("admin:core_event_export", args=[form])).status_code == status


def test_whoever_may_not_see_events_gets_no_file(client_as: Callable[[str], Client], history: None) -> None:
    client = client_as("viewer")
    from django.contrib.auth import get_user_model

    get_user_model().objects.get(username="viewer").groups.clear()
    assert client.get(reverse("admin:core_event_export", args=["csv"])).status_code == 403
    assert Client().get(reverse("admin:core_event_export", args=["csv"])).status_code == 302
