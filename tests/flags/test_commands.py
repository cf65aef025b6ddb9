"""`manage.py flag` and `manage.py apitoken`: what an operator has when the web is down."""

from __future__ import annotations

import getpass
import io
import json
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection

from core import events
from core.actors import Actor
from core.tokens import digest
from flags import selectors
from flags.services import approval_rules

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("flag")]
KEY = "atomicMeltOperations"


def run(*arguments: str) -> str:
    out = io.StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue()


def flag(verb: str, *more: str, reason: str | None = "drill") -> Any:
    why = [] if reason is None else ["--reason", reason]
    return json.loads(run("flag", verb, KEY, "--environment", "production", "--json", *why, *more))


def test_a_flag_is_steered_from_the_shell_and_the_history_names_the_user() -> None:
    assert flag("enable")["enabled"]
    done = flag("set", "--percentage", "30", "--parameters", '{"autoCorrection": true}')
    assert (done["percentage"], done["parameters"], done["version"]) == (30, {"autoCorrection": True}, 3)
    done = flag("allow", "--add", "npub1a", "npub1b", "--remove", "npub1z")
    assert (done["added"], done["not_in"], done["allow_count"]) == (2, 1, 2)
    assert not flag("disable")["enabled"]
    assert flag("rollback")["rollback_id"].startswith("rb-")

    shown = json.loads(run("flag", "show", KEY, "--environment", "production", "--json"))
    assert shown["allowed_users"] == ["npub1a", "npub1b"]
    kinds = [event["kind"] for event in flag("history", "--limit", "3", reason=None)]
    assert kinds == ["flag.rolled_back", "flag.disabled", "flag.allow_list_changed"]
    event = events.recent().filter(kind="flag.rolled_back").get()
    assert (event.actor, event.actor_kind, event.reason) == (getpass.getuser(), "command", "drill")


def test_what_a_person_reads_is_aligned_columns() -> None:
    run("flag", "enable", KEY, "--environment", "production", "--reason", "go")
    assert len(run("flag", "list").splitlines()) == 1 + 4 * selectors.flags().count()  # every environment
    head, row = run("flag", "list", "--environment", "production").splitlines()
    assert head.split() == ["KEY", "STATE", "PERCENT", "ALLOWED", "VERSION", "LAST", "ASKED", "STOPPED", "BECAUSE"]
    assert row.index("on for nobody") == head.index("STATE")
    assert row.rstrip().endswith("never")
    assert "enabled          True" in run("flag", "show", KEY, "--environment", "production")
    history = run("flag", "history", KEY, "--environment", "production")
    assert f"flag.enabled  by {getpass.getuser()}: go" in history
    assert "enabled: no → yes" in history


def test_an_npub_is_told_what_it_gets_and_what_it_got() -> None:
    flag("set", "--percentage", "100")
    flag("enable")
    flag("set", "--percentage", "0")
    flag("allow", "--add", "npub1a")
    lines = run("flag", "why", "npub1a").splitlines()
    assert len(lines) == 5
    assert next(line for line in lines if " production " in line).endswith("The npub is on the allow-list.")
    told = json.loads(run("flag", "why", "npub1a", "--flag", KEY, "--environment", "production", "--json"))
    assert [(row["value"], row["rule"], row["version"]) for row in told] == [(True, "allow-list", 5)]
    over_time = ["flag", "why", "npub1a", "--flag", KEY, "--environment", "production", "--over-time"]
    past = json.loads(run(*over_time, "--json"))
    assert [row["on"] for row in past] == [True, False, True, False, False]
    assert run(*over_time).splitlines()[0].split() == ["SINCE", "ANSWER", "BY", "WHY"]


def test_a_flag_is_promoted_after_a_look_at_what_would_change() -> None:
    run("flag", "set", KEY, "--environment", "development", "--percentage", "40")
    ask = ["flag", "promote", KEY, "--from", "development", "--to", "staging", "--reason", "calm"]
    assert "WOULD CHANGE IN STAGING" in run(*ask, "--dry-run")
    assert selectors.state(KEY, "staging").percentage == 0
    assert json.loads(run(*ask, "--json")) == [{"flag": KEY, "percentage": 40.0}]
    assert selectors.state(KEY, "staging").percentage == 40
    assert "Nothing differs" in run(*ask)


@pytest.mark.parametrize(("since", "found"), [("1d", 1), ("2020-01-01T00:00:00+00:00", 1), ("2999-01-01T00:00:00Z", 0)])
def test_the_history_begins_where_one_wants_it(since: str, found: int) -> None:
    flag("enable")
    assert len(flag("history", "--since", since, reason=None)) == found


def test_kill_needs_only_the_database_and_tells_what_it_could_not_reach() -> None:
    flag("enable")
    started = time.monotonic()
    told = run("flag", "kill", KEY, "--environment", "production", "--reason", "mint is down")
    assert time.monotonic() - started < 5
    assert f"{KEY} in production: off, 0 %" in told
    assert f"within {settings.SNAPSHOT_POLL_SECONDS} seconds" in told
    assert not selectors.state(KEY, "production").enabled


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["enable", "nosuch", "--environment", "production"], "no flag 'nosuch'"),
        (["enable", KEY, "--environment", "mars"], "in environment 'mars'"),
        (["list", "--environment", "mars"], "no environment 'mars'. Known: development"),
        (["enable", KEY, "--environment", "production"], "say why"),
        (["kill", KEY, "--environment", "staging"], "Say why"),
        (["set", KEY, "--environment", "staging"], "Say what to set"),
        (["set", KEY, "--environment", "staging", "--percentage", "101"], "0 to 100"),
        (["set", KEY, "--environment", "staging", "--parameters", "{"], "not JSON"),
        (["set", KEY, "--environment", "staging", "--parameters", "[]"], "JSON object"),
        (["allow", KEY, "--environment", "staging"], "Name npubs"),
        (["history", KEY, "--environment", "staging", "--since", "soon"], "write 7d"),
        (["why", "npub1a", "--attribute", "country"], "Line 1: write name=value"),
        (["why", "npub1a", "--environment", "mars"], "no environment 'mars'"),
        (["why", "npub1a", "--over-time"], "one flag in one environment"),
        (["promote", KEY, "--from", "staging", "--to", "mars"], "no environment 'mars'"),
    ],
)
def test_a_refusal_is_one_line_and_changes_nothing(arguments: list[str], words: str) -> None:
    before = events.recent().count()
    with pytest.raises(CommandError, match=words) as refusal:
        run("flag", *arguments)
    assert "\n" not in str(refusal.value)
    assert events.recent().count() == before


def code(*arguments: str) -> int:
    with pytest.raises(CommandError) as refusal:
        run("flag", *arguments)
    return refusal.value.returncode


def test_exit_codes_tell_what_to_do_about_a_refusal(operator_actor: Actor, now: datetime) -> None:
    where = ["--environment", "staging"]
    assert code("enable", "nosuch", *where) == 1
    assert code("enable", KEY, *where, "--version", "7") == 3
    rules = {"raise": {"above": 20, "approvals": 1, "expires_after": 3600}}
    approval_rules.define("staging", rules, actor=operator_actor, reason="x", now=now)
    run("flag", "enable", KEY, *where)
    assert code("set", KEY, *where, "--percentage", "50") == 4
    assert "Asked for" in run("flag", "set", KEY, *where, "--percentage", "50", "--reason", "x", "--request", "Go on")
    assert selectors.state(KEY, "staging").percentage == 0


def test_without_the_database_the_command_says_so() -> None:
    def gone(*_: object) -> None:
        raise OperationalError("connection refused\nIs the server running?")

    with (
        connection.execute_wrapper(gone),
        pytest.raises(CommandError, match=r"nothing was changed: connection refused$"),
    ):
        run("flag", "kill", KEY, "--environment", "production", "--reason", "r")


def test_a_token_is_printed_alone_on_the_last_line_once_and_can_be_revoked() -> None:
    told = run(
        "apitoken", "create", "--name", "nctool", "--environment", "staging", "--scope", "evaluate", "--scope", "report"
    )
    text = told.splitlines()[-1]
    live = selectors.live_token(digest(text))
    assert live is not None
    assert (live.environment, live.scopes) == ("staging", {"evaluate", "report"})

    listed = json.loads(run("apitoken", "list", "--json"))
    assert text not in run("apitoken", "list") + json.dumps(listed)
    assert "is revoked" in run("apitoken", "revoke", str(listed[0]["id"]))
    assert selectors.live_token(digest(text)) is None
    with pytest.raises(CommandError, match="revoked already"):
        run("apitoken", "revoke", str(listed[0]["id"]))
    with pytest.raises(CommandError, match="no environment 'mars'"):
        run("apitoken", "create", "--name", "n", "--environment", "mars", "--scope", "evaluate")


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["flag", "enable", "--environment", "production"], 2, "required: KEY"),
        (["apitoken", "create", "--name", "n", "--environment", "e", "--scope", "root"], 2, "invalid choice"),
        (["flag", "show", KEY, "--environment", "mars"], 1, "CommandError: "),
    ],
)
def test_exit_codes_tell_a_refusal_from_a_misuse(arguments: list[str], code: int, words: str, tmp_path: Path) -> None:
    program = [sys.executable, str(settings.BASE_DIR / "manage.py"), *arguments]
    environ = {"DATA_DIR": str(tmp_path), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(program, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == code
    assert words in done.stderr
    assert done.stdout == ""
