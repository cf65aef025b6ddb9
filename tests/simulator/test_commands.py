"""`manage.py simulator` and `manage.py demo` as a person uses them."""

from __future__ import annotations

import io
import os
import signal
import stat
import subprocess
from datetime import datetime
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from core.actors import Actor
from core.tokens import digest
from flags import selectors
from flags.domain.change import StateChange
from flags.models import Flag
from flags.services import rollout, tokens
from nctool_rollout.management.commands import demo
from nctool_rollout.management.commands.demo import manage
from nctool_rollout.management.commands.simulator import is_running, live_token
from nctool_rollout.supervisor import run_file
from simulator import faults
from simulator.faults import Fault, Kind
from simulator.plan import ATOMIC
from tests.simulator.conftest import Doors
from tests.system.running import System, wait_for


@pytest.fixture
def data_dir(tmp_path: Path, settings: Settings) -> Path:
    settings.DATA_DIR = tmp_path
    return tmp_path


def told(*arguments: str) -> str:
    out = io.StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue()


def test_faults_are_set_replaced_told_and_cleared(data_dir: Path) -> None:
    told("simulator", "fault", "errors", "--flag", ATOMIC, "--rate", "20")
    told("simulator", "fault", "errors", "--flag", ATOMIC, "--rate", "30")
    text = told("simulator", "fault", "silence", "--flag", ATOMIC)
    assert "errors: 30 percent of the melts" in text
    assert "No simulator runs" in text
    found = faults.read(data_dir / "simulator-faults.json")
    assert found == [Fault(Kind.ERRORS, ATOMIC, 30), Fault(Kind.SILENCE, ATOMIC)]
    assert told("simulator", "fault", "status") == text
    assert "No faults." in told("simulator", "fault", "clear")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["errors", "--flag", ATOMIC, "--rate", "120"], "up to 100"),
        (["errors", "--flag", ATOMIC, "--rate", "many"], "invalid float"),
        (["errors", "--flag", "noSuchFlag", "--rate", "20"], "invalid choice"),
        (["errors", "--flag", ATOMIC], "--rate"),
        (["fire", "--flag", ATOMIC], "invalid choice"),
    ],
)
def test_a_fault_that_cannot_be_played_is_refused(data_dir: Path, arguments: list[str], message: str) -> None:
    with pytest.raises(CommandError, match=message):
        call_command("simulator", "fault", *arguments)
    assert not (data_dir / "simulator-faults.json").exists()


def test_a_spoilt_fault_file_is_told_and_can_be_cleared(data_dir: Path) -> None:
    (data_dir / "simulator-faults.json").write_text("{")
    with pytest.raises(CommandError, match="Clear them"):
        call_command("simulator", "fault", "status")
    assert "No faults." in told("simulator", "fault", "clear")


def test_the_token_is_made_once_kept_privately_and_replaced_when_it_was_revoked(
    data_dir: Path, all_environments: None, operator_actor: Actor, now: datetime
) -> None:
    first = live_token("production")
    assert live_token("production") == first
    assert stat.S_IMODE((data_dir / "simulator.json").stat().st_mode) == 0o600
    made = selectors.tokens().get()
    assert (made.name, made.scopes, made.digest) == ("simulator", ["evaluate", "report"], digest(first))
    assert live_token("staging") != first
    tokens.revoke(made.pk, actor=operator_actor, now=now)
    second = live_token("production")
    assert second != first
    assert live_token("production") == second


def test_a_second_simulator_on_one_data_dir_is_refused(data_dir: Path, all_environments: None) -> None:
    assert not is_running()
    with run_file.only_one(data_dir, "simulator", wait=False):
        assert is_running()
        with pytest.raises(CommandError, match="runs already"):
            call_command("simulator", "run")


def test_the_demo_leaves_a_flag_alone_that_somebody_uses(
    data_dir: Path, settings: Settings, flag: Flag, operator_actor: Actor, now: datetime
) -> None:
    rollout.change(
        ATOMIC,
        "production",
        StateChange(enabled=True, percentage=3),
        actor=operator_actor,
        reason="a careful start",
        now=now,
    )
    settings.RUNNING = run_file.Running(os.getpid(), "http://127.0.0.1:1", "", "")
    before = selectors.state(ATOMIC, "production").version
    with run_file.only_one(data_dir, "simulator", wait=False), pytest.raises(CommandError, match="not by a demo"):
        call_command("demo", stdout=io.StringIO())
    assert selectors.state(ATOMIC, "production").version == before


def test_the_demo_asks_for_a_simulator_where_none_plays(
    data_dir: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo, "SIMULATOR_STARTS", 0.2)
    settings.RUNNING = run_file.Running(os.getpid(), "http://127.0.0.1:1", "", "")
    with pytest.raises(CommandError, match="simulator run"):
        call_command("demo")


@pytest.mark.system
def test_the_running_simulator_ends_soon_after_it_is_told_to(prepared: System, mongodb_url: str, doors: Doors) -> None:
    own = prepared.environment | {"NCTOOL_MONGODB_URL": mongodb_url, "NCTOOL_MONGODB_NAME": "commands"}
    process = subprocess.Popen(manage("simulator", "run", "--url", doors.base_url), env=own)
    try:
        token = prepared.data_dir / "simulator.json"
        wait_for(lambda: token.exists() and doors.turned_away)  # it asks for flags, by a token of its own
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.wait()


@pytest.mark.system
def test_the_demo_tells_the_whole_story_on_a_system_of_its_own(tmp_path: Path) -> None:
    command, own = manage("demo", "--own"), System(tmp_path).environment
    ended = subprocess.run(command, env=own, capture_output=True, text=True, check=False, timeout=480)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    for part in ("ramp.started", "flag.rolled_back", "trigger.fired", "ramp.held", "From fault to off", "The alert: ["):
        assert part in ended.stdout
