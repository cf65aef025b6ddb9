"""`manage.py migration`: everything without the web, with exit codes for scripts."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.core.management import CommandError, call_command
from pytest_django import Settings

from core import events
from core.actors import Actor, ActorKind
from core.models import User
from flags.models import Flag
from migrations_app import selectors
from migrations_app.domain.states import RunState
from migrations_app.services import planning, readiness
from tests.migrations_app.engine import raw
from tests.migrations_app.test_flow import STAGING


def say(*words: str) -> str:
    out = StringIO()
    call_command("migration", *words, stdout=out)
    return out.getvalue()


@pytest.fixture
def ready(staging: Any, flag: Flag) -> None:
    now = datetime.now(UTC)
    wanted = planning.wanted(STAGING, "002")
    for check in readiness.look(STAGING, wanted.loaded.migration, wanted.phases, now=now).blocking:
        readiness.waive(STAGING, check.name, "tests", 4, Actor("paul", ActorKind.PERSON), now)


PLACE = ("002", "--environment", STAGING)


def test_a_run_is_followed_with_a_bar_to_its_end_and_back(ready: None, staging: Any) -> None:
    before = raw(staging)
    assert "staging: not applied" in say("status")
    assert "No migrator has worked yet" in say("status")
    assert "  about 0 s, 0.0 MB of journal" in say("plan", *PLACE)
    told = say("dry-run", *PLACE)
    assert "the way back: restored" in told
    assert "secret" not in told
    told = say("run", *PLACE, "--reason", "week 2", "--here")
    assert "] 100.0 %  completed" in told
    assert "ok  balance of every wallet: 20 wallets; 0 have become wrong, 0 have moved" in told
    run = selectors.runs(STAGING).get()
    assert f"staging: {run.uid}" in say("status")
    assert json.loads(say("show", run.uid, "--json"))["result"]["changed"] == {"data.0": 60, "data.1": 12}
    assert "journal: 72 documents as_changed" in say("verify", *PLACE)

    told = say("rollback", run.uid, "--reason", "drill", "--here")
    assert "restored: 72" in told
    assert raw(staging) == before
    with pytest.raises(CommandError, match="is rolled back and cannot be paused"):
        say("pause", run.uid)


def test_exit_codes_tell_a_script_what_is_wrong(staging: Any, flag: Flag) -> None:
    with pytest.raises(CommandError, match="The database of staging is not ready") as refused:
        say("readiness", *PLACE)
    assert refused.value.returncode == 1
    with pytest.raises(CommandError, match="No database of nctool is set up for development") as refused:
        say("plan", "002", "--environment", "development")
    assert refused.value.returncode == 3
    with pytest.raises(CommandError, match="no migration '009'"):
        say("plan", "009", "--environment", STAGING)
    with pytest.raises(CommandError, match="Nobody has the lock"):
        say("unlock", "--environment", STAGING, "--reason", "it hangs")
    staging.cashuwallets.delete_one({"npub": "npub103"})
    with pytest.raises(CommandError, match="is not as migration 002 says"):
        say("verify", *PLACE)


def test_a_person_waives_several_checks_at_once_or_none(
    staging: Any, flag: Flag, monkeypatch: pytest.MonkeyPatch
) -> None:
    User.objects.create_user("anna", password="a long password").groups.add(Group.objects.get(name="approver"))
    monkeypatch.setattr("getpass.getpass", lambda prompt: "a long password")
    given = ("--environment", STAGING, "--hours", "4", "--as", "anna", "--reason", "snapshot 42 was looked at")
    with pytest.raises(CommandError, match="primary"):
        say("waive", "backup", "primary", *given)
    assert not events.recent().filter(kind="readiness.waived").exists()
    assert "backup passes until" in say("waive", "backup", "diskSpace", *given)
    told = events.recent().filter(kind="readiness.waived")
    assert [(event.actor, event.reason) for event in told] == [("anna", "snapshot 42 was looked at")] * 2
    monkeypatch.setattr("getpass.getpass", lambda prompt: "a guess")
    with pytest.raises(CommandError, match="not the password of anna"):
        say("waive", "backup", *given)


def test_a_run_that_fails_ends_the_command_with_its_reason(ready: None, staging: Any) -> None:
    staging.command("collMod", "cashutokens", validator={"metadata": {"$exists": False}})
    with pytest.raises(CommandError, match=r"is rolled back: .* the database refused"):
        say("run", *PLACE, "--reason", "week 2", "--here")
    assert selectors.runs(STAGING).get().state == RunState.ROLLED_BACK


def test_a_database_that_is_away_is_told_in_a_line(flag: Flag, settings: Settings) -> None:
    settings.NCTOOL_MONGODBS = {"STAGING": "mongodb://127.0.0.1:1/nctool"}
    with pytest.raises(CommandError, match="The database of staging cannot be asked") as refused:
        say("unlock", "--environment", STAGING, "--reason", "it hangs")
    assert refused.value.returncode == 3
