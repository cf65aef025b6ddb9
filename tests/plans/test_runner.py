"""Commands of checklists: real programs, run, watched, stopped and lost."""

from __future__ import annotations

import os
import shlex
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from core.actors import Actor
from core.errors import Conflict, Invalid, Refused
from flags.models import Flag
from plans.adapters.programs import LocalPrograms
from plans.domain import command
from plans.domain.states import ItemState
from plans.models import Checklist, CommandRun, Item, Plan
from plans.services import commands, items, plans, runner, templates
from tests.plans.conftest import calm, item
from tests.racing import at_once

PYTHON = sys.executable
LOOK = 0.02


def python(code: str) -> str:
    return shlex.join([PYTHON, "-c", code])


@pytest.fixture
def programs(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LocalPrograms:
    settings.RUNNER_PROGRAMS, settings.RUNNER_DIRECTORY = [PYTHON], str(tmp_path)
    settings.RUNNER_ENVIRONMENT = ["DEPLOY_KEY"]
    monkeypatch.setenv("DEPLOY_KEY", "hunter2hunter2")
    monkeypatch.setenv("SECRET_KEY", "ours")
    return LocalPrograms()


@pytest.fixture
def steps(flag: Flag, operator_actor: Actor, now: datetime) -> Checklist:
    """An ordered list: two commands, a step for a person, one more command."""
    document = {
        "name": "Deployment",
        "phases": {"one": {"name": "One", "weeks": [1, 1]}},
        "checklists": {
            "steps": {
                "title": "Steps",
                "kind": "manual",
                "ordered": True,
                "items": [
                    {"item": "first", "command": python("print('one')"), "run": True},
                    {"item": "second", "command": python("print('two')"), "run": True},
                    {"item": "by hand"},
                    {"item": "last", "command": python("print('four')"), "run": True},
                ],
            }
        },
    }
    told: dict[str, Any] = {"actor": operator_actor, "reason": "tests", "now": now}
    templates.define("deployment", document, **told)
    calm(now)
    plans.start("deployment", "staging", **told)
    return Checklist.objects.get(key="steps")


def clock() -> datetime:
    return datetime.now(UTC)


def set_command(text: str, code: str, **more: Any) -> None:
    Item.objects.filter(text=text).update(command=python(code), **more)


def go(programs: LocalPrograms, **more: Any) -> CommandRun:
    assert runner.run_next(programs, clock=clock, look=LOOK, **more)
    return CommandRun.objects.exclude(ended_at=None).latest("ended_at")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("kubectl get pods -l app=nctool", ["kubectl", "get", "pods", "-l", "app=nctool"]),
        ("npm run test:smoke:production", ["npm", "run", "test:smoke:production"]),
        ('git log --grep="feat\\|fix"', ["git", "log", "--grep=feat\\|fix"]),
        ("say 'a & b'", ["say", "a & b"]),
        ("a | b", "'|'"),
        ("a && b", "'&&'"),
        ("a > b", "'>'"),
        ("a; b", "';'"),
        ("backup-$(date +%Y)", "Only a shell understands '$('"),
        ("echo $HOME", "'$H'"),
        ("echo `id`", "'`'"),
        ('say "half', "cannot be read"),
        ("  ", "There is no command"),
    ],
)
def test_a_command_is_a_program_with_its_arguments_and_never_a_line_for_a_shell(
    text: str, found: list[str] | str
) -> None:
    if isinstance(found, list):
        assert command.read(text) == found
    else:
        with pytest.raises(Invalid) as refused:
            command.read(text)
        assert found in str(refused.value)


@given(st.lists(st.text("abcxyz019 '\"\\=:,./@%+-_~#*?!", max_size=12), min_size=1, max_size=6))
def test_what_is_quoted_comes_out_as_it_went_in(words: list[str]) -> None:
    assert command.read(shlex.join(words)) == words


@given(st.text(max_size=30), st.integers(0, 3 * command.MOST_OUTPUT))
def test_of_much_output_the_end_is_kept_from_the_beginning_of_a_line(line: str, times: int) -> None:
    output = f"{line}\n" * min(times, 4 * command.MOST_OUTPUT // (len(line) + 1))
    kept = command.last_of(output)
    assert len(kept) <= command.MOST_OUTPUT + 1
    assert kept == output or output.endswith(kept.removeprefix("…"))


def test_a_command_that_ends_well_passes_its_item_and_one_that_fails_fails_it(
    steps: Checklist, programs: LocalPrograms, operator_actor: Actor, now: datetime
) -> None:
    who: dict[str, Any] = {"actor": operator_actor, "now": now, "allowed": programs.allowed}
    set_command("first", "import sys; print('no such release'); sys.exit(3)")
    with pytest.raises(Conflict, match="first comes 'first'"):
        commands.request(item("second").pk, **who)
    commands.request(item("first").pk, **who)
    with pytest.raises(Conflict, match="under way"):
        commands.request(item("first").pk, **who)
    run = go(programs)
    assert (run.state, run.code, run.output) == ("failed", 3, "no such release")
    assert (item("first").state, item("first").by) == ("FAILED", "runner")
    assert item("first").why.startswith("It ended with code 3 after")
    set_command("first", "print('there')")
    commands.request(item("first").pk, **who)
    assert go(programs).state == "succeeded"
    assert (item("first").state, item("first").evidence["code"]) == ("PASSED", 0)
    assert not runner.run_next(programs, clock=clock)
    with pytest.raises(Conflict, match="untick it first"):
        commands.request(item("first").pk, **who)


def test_a_list_runs_in_order_up_to_the_first_failure_or_person_and_goes_on_from_there(
    steps: Checklist, programs: LocalPrograms, operator_actor: Actor, now: datetime
) -> None:
    who: dict[str, Any] = {"actor": operator_actor, "now": now, "allowed": programs.allowed}
    told = [(step.item.text, step.refusal) for step in commands.rehearse(steps, programs.allowed)]
    assert told == [("first", ""), ("second", ""), ("by hand", "A person does this."), ("last", "")]
    assert not CommandRun.objects.exists()
    set_command("second", "raise SystemExit(1)")
    commands.request(item("first").pk, onward=True, **who)
    go(programs)
    assert (go(programs).state, runner.run_next(programs, clock=clock)) == ("failed", False)
    set_command("second", "print('two')")
    commands.request(item("second").pk, onward=True, **who)
    go(programs)
    assert not runner.run_next(programs, clock=clock)
    assert [each.state for each in steps.items.all()] == ["PASSED", "PASSED", "PENDING", "PENDING"]
    items.mark(item("by hand").pk, ItemState.PASSED, actor=operator_actor, now=now)
    commands.request(item("last").pk, **who)
    go(programs)
    assert Checklist.objects.get(pk=steps.pk).completed_at is not None


def test_only_listed_programs_run_and_with_a_list_that_is_empty_none(
    steps: Checklist, programs: LocalPrograms, operator_actor: Actor, now: datetime
) -> None:
    for allowed, complaint in (([], "RUNNER_PROGRAMS is empty"), (["kubectl"], "not one of the programs")):
        with pytest.raises(Refused, match=complaint):
            commands.request(item("first").pk, allowed=allowed, actor=operator_actor, now=now)
    Item.objects.filter(text="first").update(command="rm -rf nothing")
    commands.request(item("first").pk, allowed=["rm"], actor=operator_actor, now=now)
    run = go(programs)  # the list of the runner itself is another one
    assert (run.state, "rm is not one of the programs" in run.why) == ("failed", True)


def test_without_a_directory_of_its_own_nothing_runs(
    steps: Checklist, programs: LocalPrograms, settings: Settings, operator_actor: Actor, now: datetime
) -> None:
    settings.RUNNER_DIRECTORY = ""
    commands.request(item("first").pk, allowed=programs.allowed, actor=operator_actor, now=now)
    run = go(programs)
    assert (run.state, "RUNNER_DIRECTORY is no directory" in run.why) == ("failed", True)
    with pytest.raises(CommandError, match="RUNNER_DIRECTORY names no directory"):
        call_command("runner")


def test_a_program_gets_what_was_named_for_it_and_what_it_says_of_secrets_is_not_kept(
    steps: Checklist, programs: LocalPrograms, operator_actor: Actor, now: datetime, tmp_path: Path
) -> None:
    set_command("first", "import os; print(os.getcwd(), sorted(os.environ)); print('key is', os.environ['DEPLOY_KEY'])")
    commands.request(item("first").pk, allowed=programs.allowed, actor=operator_actor, now=now)
    output = go(programs).output
    assert str(tmp_path) in output
    assert "'ROLLOUT_ENVIRONMENT'" in output
    assert "SECRET_KEY'" not in output.replace("DEPLOY_KEY", "")
    assert ("hunter2" in output, "[secret]" in output) == (False, True)


def test_one_that_does_not_end_is_ended_with_all_it_started(
    steps: Checklist, programs: LocalPrograms, operator_actor: Actor, now: datetime, tmp_path: Path
) -> None:
    code = (
        "import subprocess, sys, time; p = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']);"
        "open('pid', 'w').write(str(p.pid)); print('waiting', flush=True); time.sleep(60)"
    )
    set_command("first", code, timeout=1)
    commands.request(item("first").pk, allowed=programs.allowed, actor=operator_actor, now=now)
    run = go(programs)
    assert (run.state, run.why, run.output) == ("timed_out", "It did not end within 1 s.", "waiting")
    assert item("first").state == "FAILED"
    assert _is_gone(int((tmp_path / "pid").read_text()))


def test_a_person_stops_one_that_runs_and_its_item_stays_open(
    steps: Checklist, programs: LocalPrograms, operator_actor: Actor, now: datetime
) -> None:
    set_command("first", "import time; time.sleep(60)")
    run = commands.request(item("first").pk, allowed=programs.allowed, actor=operator_actor, now=now)

    def stop() -> bool:
        """Called at each look of the runner: the person clicks at the first."""
        if not CommandRun.objects.get(pk=run.pk).stop_by:
            commands.stop(run.pk, actor=operator_actor, now=now)
        return False

    ended = go(programs, stopping=stop)
    assert (ended.state, item("first").state) == ("stopped", "PENDING")
    with pytest.raises(Conflict, match="It has ended"):
        commands.stop(run.pk, actor=operator_actor, now=now)


def test_a_command_whose_runner_died_is_lost_and_never_begun_again_by_itself(
    steps: Checklist, programs: LocalPrograms, operator_actor: Actor, now: datetime
) -> None:
    commands.request(item("first").pk, allowed=programs.allowed, actor=operator_actor, now=now)
    claimed = runner.claim(now=now)
    assert claimed is not None
    assert runner.lose(now=now) == 0
    assert runner.lose(now=now + timedelta(minutes=1)) == 1
    assert not runner.run_next(programs, clock=clock)
    assert (CommandRun.objects.get().state, item("first").state) == ("lost", "PENDING")
    late = command.Outcome(command.CommandState.SUCCEEDED, "It ended well.", 0)
    runner.settle(claimed, late, "", programs, now=now)  # the runner was only slow: it is too late
    assert (CommandRun.objects.get().state, item("first").state) == ("lost", "PENDING")


def test_of_a_plan_that_ends_what_waits_is_dropped_and_what_runs_changes_nothing_of_it(
    steps: Checklist, programs: LocalPrograms, operator_actor: Actor, now: datetime
) -> None:
    who: dict[str, Any] = {"actor": operator_actor, "now": now}
    commands.request(item("first").pk, allowed=programs.allowed, **who)
    plans.pause(steps.plan_id, reason="r", **who)
    assert not runner.run_next(programs, clock=clock)
    plans.abort(steps.plan_id, reason="r", **who)
    assert (CommandRun.objects.get().state, item("first").state) == ("stopped", "PENDING")


@pytest.mark.races
@pytest.mark.django_db(transaction=True)
def test_of_many_runners_and_many_who_ask_one_runs_it_once(
    plan: Plan, programs: LocalPrograms, operator_actor: Actor, now: datetime
) -> None:
    row = item("Reviewed")
    set_command("Reviewed", "pass", runs_here=True)

    def ask() -> str:
        try:
            commands.request(row.pk, allowed=programs.allowed, reason="r", actor=operator_actor, now=now)
        except Conflict:
            return "late"
        return "asked"

    assert sorted(at_once(*[ask] * 4)) == ["asked", "late", "late", "late"]
    claimed = at_once(*[lambda: runner.claim(now=now) is not None] * 4)
    assert sorted(claimed) == [False, False, False, True]


def _is_gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return Path(f"/proc/{pid}/stat").read_text().split()[2] == "Z"
