"""`manage.py up`, really started: one system for all tests here, in their order; the last two end it."""

from __future__ import annotations

import json
import signal
import socket
from pathlib import Path

import psutil
import pytest
import redis

from nctool_rollout.supervisor import run_file
from tests.system.running import System, alive, wait_for

pytestmark = [pytest.mark.system, pytest.mark.skipif(not psutil.LINUX, reason="process groups are looked at by /proc")]


@pytest.fixture(scope="module")
def system(prepared: System) -> System:
    prepared.start()
    return prepared


def test_it_serves_the_login_page_and_says_where_its_servers_are(system: System) -> None:
    status, page = system.get("/admin/login/")
    assert status == 200
    assert "Username" in page
    assert redis.Redis.from_url(system.running.redis).ping()
    shown = (system.data_dir / "output").read_text()
    assert f"http://127.0.0.1:{system.port}/" in shown
    assert "viewer, operator, approver, administrator" in shown


def test_every_part_of_a_running_system_says_that_it_works(system: System) -> None:
    def working() -> bool:
        parts = json.loads(system.get("/readyz")[1])["parts"]
        return all(part["state"] == "ok" for part in parts.values())

    wait_for(working)


def test_a_second_system_on_the_same_data_is_refused(system: System) -> None:
    refused = system.manage("up")
    assert refused.returncode == 1
    assert f"already runs on DATA_DIR={system.data_dir}" in refused.stderr


@pytest.mark.parametrize("word", ["valkey-server", "celery --app nctool_rollout worker"])
def test_a_killed_part_comes_back_and_leaves_no_child_of_its_own(system: System, word: str) -> None:
    victim = system.find(word)
    family = [victim, *victim.children(recursive=True)]
    victim.kill()
    wait_for(lambda: not alive(family))
    wait_for(lambda: (found := system.find(word)) is not None and found.pid != victim.pid)
    wait_for(lambda: system.get("/readyz")[0] == 200)
    if "valkey" in word:
        wait_for(lambda: answers(system.running.redis))
    assert not alive(family)


def answers(url: str) -> bool:
    try:
        return bool(redis.Redis.from_url(url).ping())
    except redis.RedisError:
        return False


def test_sigterm_ends_everything_soon(system: System) -> None:
    processes = system.processes()
    assert len(processes) >= 9
    system.process.send_signal(signal.SIGTERM)
    assert system.process.wait(30) == 0  # 5 on a machine that does nothing else
    assert not alive(processes)
    assert not run_file.path(system.data_dir).exists()


def test_sigkill_of_the_supervisor_leaves_nothing_behind(prepared: System) -> None:
    prepared.end()
    processes = prepared.start()
    assert len(processes) >= 9
    prepared.process.kill()
    prepared.process.wait()
    wait_for(lambda: not alive(processes), seconds=30)
    assert run_file.read(prepared.data_dir) is None


def test_a_taken_port_is_told_with_a_way_out(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0), reuse_port=True) as other:
        system = System(tmp_path, port=other.getsockname()[1])
        refused = system.manage("up")
    assert refused.returncode == 1
    assert f"Port {system.port}" in refused.stderr
    assert f"PORT={system.port + 1}" in refused.stderr


def test_an_empty_database_is_told_with_a_way_out(tmp_path: Path) -> None:
    refused = System(tmp_path).manage("up")
    assert refused.returncode == 1
    assert "python manage.py setup" in refused.stderr
