"""The section `freezes` of a playbook."""

from __future__ import annotations

from datetime import datetime

import pytest

from core import freezes, freezing
from core.actors import Actor
from core.models import Freeze
from nctool_rollout.playbook.export import as_yaml, export
from nctool_rollout.playbook.plan import Outcome
from nctool_rollout.playbook.problems import PlaybookError
from nctool_rollout.playbook.validation import load_text
from tests.playbook.conftest import SMALL, Load

FREEZES = """\
freezes:
  month-end:
    name: Month end
    reason: The books are closed.
    environments: [live, lab]
    zone: Europe/Berlin
    starts: 2024-08-30T18:00:00
    durationHours: 14.5
    recurrence: FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1
    butNot: [2025-12-31]
"""
MONTH_END = ("freezes", "month-end")


@pytest.mark.django_db
def test_a_freeze_is_loaded_kept_and_exported(load: Load, now: datetime) -> None:
    load(SMALL + FREEZES)
    freeze = Freeze.objects.get(key="month-end")
    assert (freeze.duration, freeze.but_not, freeze.zone) == (52_200, ["2025-12-31"], "Europe/Berlin")
    assert [each.key for each in freeze.environments.all()] == ["lab", "live"]
    assert f"{freezes.timetable(freeze).after(now)[0]}" == "Fri 29 Aug 2025 18:00 to Sat 30 Aug 2025 08:30 CEST"

    exported = as_yaml(export())
    assert load(exported) == load(SMALL + FREEZES) == {}
    assert as_yaml(export()) == exported


@pytest.mark.django_db
def test_a_new_edition_changes_what_nobody_touched_since(load: Load, operator_actor: Actor, now: datetime) -> None:
    load(SMALL + FREEZES)
    longer = (SMALL + FREEZES).replace("durationHours: 14.5", "durationHours: 20")
    assert load(longer)[MONTH_END].outcome is Outcome.CHANGE
    assert Freeze.objects.get().duration == 72_000

    freezing.end(Freeze.objects.get().pk, actor=operator_actor, reason="Not any more.", now=now)
    decision = load(SMALL + FREEZES)[MONTH_END]
    assert (decision.outcome, decision.why) == (Outcome.KEEP, "taken away since")
    assert Freeze.objects.get().ended_at == now


@pytest.mark.django_db
def test_what_people_planned_is_not_in_an_export_and_not_touched(
    load: Load, operator_actor: Actor, now: datetime
) -> None:
    load(SMALL + FREEZES)
    mine = freezing.Plan("Mine", "r", ["live"], "UTC", "2025-09-01T00:00", 600)
    freezing.plan(mine, actor=operator_actor, now=now)
    assert list(export()["freezes"]) == ["month-end"]
    assert load(SMALL + FREEZES) == {}
    assert Freeze.objects.filter(ended_at=None).count() == 2


@pytest.mark.django_db
def test_a_freeze_that_is_over_can_be_loaded(load: Load) -> None:
    load(SMALL + FREEZES.replace("    recurrence: FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1\n", ""))
    assert Freeze.objects.get().recurrence == ""


@pytest.mark.parametrize(
    ("old", "new", "path", "tells"),
    [
        ("FREQ=MONTHLY", "FREQ=SECONDLY", "recurrence", "DAILY, WEEKLY, MONTHLY or YEARLY"),
        ("Europe/Berlin", "Europe/Bonn", "zone", "no time zone 'Europe/Bonn'"),
        ("14.5", "800", "durationHours", "744"),
        ("14.5", "0.001", "durationHours", "1 minute to 31 days"),
        ("[live, lab]", "[moon]", "environments.0", "There is no environment 'moon' in this playbook"),
        ("[live, lab]", "[live, live]", "environments.1", "live stands in this list twice"),
        ("2024-08-30T18:00:00", "tonight", "starts", "'tonight' is no date and time"),
        ("[2025-12-31]", "[xmas]", "butNot", "'xmas' is no date"),
        ("zone:", "zones:", "zones", "Did you mean 'zone'?"),
    ],
)
def test_a_mistake_is_told_where_it_stands(old: str, new: str, path: str, tells: str) -> None:
    text = (SMALL + FREEZES).replace(old, new)
    with pytest.raises(PlaybookError) as refused:
        load_text(text, file="x.yaml")
    (problem,) = refused.value.problems
    assert ".".join(map(str, problem.path)) == f"freezes.month-end.{path}"
    assert tells in problem.message
    assert new.split(",")[0].strip("[] :") in text.splitlines()[problem.line - 1]
