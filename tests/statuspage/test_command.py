"""`manage.py status …`, for when the web is down."""

from __future__ import annotations

import json
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from statuspage.models import PublicUpdate

pytestmark = pytest.mark.usefixtures("page")
TOLD = ("--title", "Payments fail", "--text", "We look.", "--impact", "major")


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("status", *arguments, stdout=out)
    return out.getvalue()


def told(*arguments: str) -> Any:
    return json.loads(run(*arguments, "--json"))


def test_the_page_is_shown_and_worked_without_the_web() -> None:
    assert "nctool: none" in run("show")
    assert told("component", "melt", "major_outage", "--reason", "seen")["indicator"] == "critical"
    publish = ("publish", "incident:1", *TOLD)
    shown = told(*publish, "--key", "1", "--state", "investigating", "--component", "melt=partial_outage")
    assert (shown["components"]["melt"], shown["incidents"][0]["state"]) == ("partial_outage", "investigating")
    assert run(*publish, "--key", "2", "--state", "resolved").startswith("nctool: none")
    run(*publish, "--key", "2", "--state", "resolved")
    assert PublicUpdate.objects.count() == 2


def test_a_maintenance_is_planned_and_cancelled() -> None:
    times = ("--from", "2031-05-30T18:00", "--to", "2031-05-30T19:00", "--zone", "Europe/Berlin")
    with pytest.raises(CommandError, match="at most a year ahead"):
        run("maintenance", "plan", "--title", "Upgrade", "--component", "api", *times)
    day = f"{timezone.now() + timedelta(days=2):%Y-%m-%d}"
    times = ("--from", f"{day}T18:00", "--to", f"{day}T19:00")
    (row,) = told("maintenance", "plan", "--title", "Upgrade", "--component", "api", *times)["maintenances"]
    assert row["id"] in run("maintenance", "list")
    assert told("maintenance", "tick")["maintenances"] == [row]
    assert told("maintenance", "cancel", row["id"], "--reason", "not needed")["maintenances"] == []


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("component", "mint", "operational", "--reason", "x"), "The page has: melt, wallets, api"),
        (("publish", "i", *TOLD, "--key", "1", "--state", "identified", "--component", "melt"), "names no state"),
        (("maintenance", "cancel", "--reason", "x"), "Say which one"),
        (("maintenance", "complete", "nothing"), "There is no maintenance 'nothing'"),
    ],
)
def test_a_refusal_is_one_line(arguments: tuple[str, ...], sentence: str) -> None:
    with pytest.raises(CommandError, match=sentence):
        run(*arguments)
