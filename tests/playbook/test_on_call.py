"""The section `onCall` of a playbook."""

from __future__ import annotations

import io
from datetime import datetime
from pathlib import Path

import pytest
from django.core.management import call_command

from core.actors import Actor
from core.models import User
from nctool_rollout.playbook.export import as_yaml, export
from nctool_rollout.playbook.plan import Outcome
from nctool_rollout.playbook.problems import PlaybookError
from nctool_rollout.playbook.validation import load_text
from oncall import selectors
from oncall.services import chaining, planning
from tests.playbook.conftest import SMALL, Load

ON_CALL = """\
onCall:
  schedules:
    first-line:
      name: First line
      zone: Europe/Berlin
      layers:
        - name: Office
          people: [ada]
          starts: 2025-08-04T09:00
          turn: 1w
          hours: {days: [mon, tue], from: "09:00", to: "17:00"}
        - {name: Weekly, people: [bob, ada], starts: 2025-08-04T09:00, turn: 1w}
    imported: {name: Imported, feed: https://example.org/plan.ics}
  chains:
    major:
      name: Major
      steps:
        - notify: {schedule: first-line}
        - wait: 15
        - {notify: {people: [carl]}, fromLevel: 2}
        - notify: {role: approver}
        - {wait: 15}
        - repeat: 2
"""


@pytest.mark.django_db
def test_schedules_and_chains_are_loaded_kept_and_exported(load: Load, operator_actor: Actor, now: datetime) -> None:
    load(SMALL + ON_CALL)
    assert selectors.plan_of(selectors.schedule_of("first-line", now=now)).who(now) == ("ada",)
    assert selectors.chain_of("major").steps[2] == {"notify": {"people": ["carl"]}, "fromLevel": 2}
    exported = as_yaml(export())
    assert load(exported) == load(SMALL + ON_CALL) == {}
    assert as_yaml(export()) == exported

    longer = (SMALL + ON_CALL).replace("wait: 15\n", "wait: 20\n")
    assert load(longer)[("chains", "major")].outcome is Outcome.CHANGE
    chaining.remove("major", actor=operator_actor, reason="", now=now)
    row = planning.picture(selectors.schedule_of("first-line", now=now))
    planning.define("first-line", {**row, "zone": "UTC"}, actor=operator_actor, reason="", now=now)
    decisions = load(SMALL + ON_CALL)
    whys = {item: decision.why for item, decision in decisions.items() if decision.outcome is Outcome.KEEP}
    assert whys == {
        ("schedules", "first-line"): "changed since the playbook was loaded",
        ("chains", "major"): "taken away since",
    }


@pytest.mark.parametrize(
    ("old", "new", "path", "words"),
    [
        ("turn: 1w}", "turn: 90m}", "onCall.schedules.first-line.layers.1.turn", "Write 1w, 2d or 12h"),
        ("Europe/Berlin", "Berlin", "onCall.schedules.first-line.zone", "There is no time zone"),
        (
            "{schedule: first-line}",
            "{schedule: second-line}",
            "onCall.chains.major.steps.0",
            "no schedule 'second-line'",
        ),
        ("{schedule: first-line}", "{schedule: first-line, role: approver}", "onCall.chains.major.steps.0", "one of"),
        ("{wait: 15}", "{wait: 15, repeat: 1}", "onCall.chains.major.steps.4", "one of notify, wait and repeat"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(old: str, new: str, path: str, words: str) -> None:
    with pytest.raises(PlaybookError) as refused:
        load_text((SMALL + ON_CALL).replace(old, new), file="small.yaml")
    (problem,) = refused.value.problems
    assert (".".join(map(str, problem.path)), words in problem.message) == (path, True)


@pytest.mark.django_db
def test_people_without_an_account_are_a_warning_and_no_error(tmp_path: Path) -> None:
    file = tmp_path / "small.yaml"
    file.write_text(SMALL + ON_CALL)
    User.objects.create_user("ada")
    warned = io.StringIO()
    call_command("playbook", "load", str(file), stdout=io.StringIO(), stderr=warned)
    assert warned.getvalue().splitlines() == [
        "Warning: On-call schedule first-line: there is no account bob, so nobody would be called.",
        "Warning: Escalation chain major: there is no account carl, so nobody would be called.",
    ]
