"""Both clients against the whole system as `manage.py up` runs it: a change, the death of the server, a restart."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any, Protocol

import pytest
import requests
from nctool_flags import Flags

from tests.system.running import SECONDS, System, wait_for

pytestmark = pytest.mark.system
NODE = shutil.which("node")
FOLLOW = Path(__file__).with_name("follow.mjs")
KEY, ENVIRONMENT = "atomicMeltOperations", "staging"
POLL = {True: 600, False: 2}  # seconds: who listens to the stream hears of nothing in another way


class Client(Protocol):
    """What both clients are asked here."""

    def is_on(self, npub: str) -> bool: ...
    def status(self) -> dict[str, Any]: ...
    def close(self) -> None: ...


class PythonClient:
    def __init__(self, url: str, token: str, copy: Path, *, stream: bool) -> None:
        self._flags = Flags(url, token, copy=copy, report_seconds=1, poll_seconds=POLL[stream], stream=stream)

    def is_on(self, npub: str) -> bool:
        return self._flags.is_on(KEY, npub)

    def status(self) -> dict[str, Any]:
        return self._flags.status().to_dict()

    def close(self) -> None:
        self._flags.close()


class NodeClient:
    def __init__(self, url: str, token: str, copy: Path, *, stream: bool) -> None:
        options = json.dumps({"reportSeconds": 1, "pollSeconds": POLL[stream], "stream": stream})
        command = [NODE or "node", str(FOLLOW), url, token, str(copy), options]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def is_on(self, npub: str) -> bool:
        return bool(self._ask("isOn", KEY, npub))

    def status(self) -> dict[str, Any]:
        found: dict[str, Any] = self._ask("status")
        return found

    def close(self) -> None:
        if self._process.poll() is None:
            self._ask("close")
        assert self._process.wait(10) == 0

    def _ask(self, call: str, *parameters: str) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"call": call, "parameters": parameters}) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())


CLIENTS: dict[str, Callable[..., Client]] = {"python": PythonClient} | ({"node": NodeClient} if NODE else {})


class Site:
    """A running system with a token for clients, and one to switch."""

    def __init__(self, system: System) -> None:
        self.system = system
        self.url = f"http://127.0.0.1:{system.port}"
        self.token, self._switch = self._token("snapshot"), self._token("operate")

    def _token(self, scope: str) -> str:
        named = ["--name", scope, "--environment", ENVIRONMENT, "--scope", scope]
        done = self.system.manage("apitoken", "create", *named)
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()[-1]

    def flag(self, action: str, **body: Any) -> None:
        headers = {"Authorization": f"Bearer {self._switch}"}
        url = f"{self.url}/api/v1/flags/{KEY}/{action}"
        reply = requests.post(url, json={"reason": "test", **body}, headers=headers, timeout=SECONDS)
        assert reply.status_code == 200, reply.text

    def column(self, query: str, *parameters: Any) -> set[Any]:
        """What the database of the system holds, asked beside it."""
        with closing(sqlite3.connect(self.system.data_dir / "control.sqlite3")) as database:
            return {row[0] for row in database.execute(query, parameters)}


ACKNOWLEDGED = """
    SELECT instance.name FROM flags_acknowledgement JOIN flags_instance instance ON instance.id = instance_id
    WHERE flags_acknowledgement.version = ?"""
USED = """
    SELECT reason FROM flags_usage JOIN core_environment environment ON environment.id = environment_id
    WHERE environment.key = ? AND flag_key = ? AND source = 'client'"""


@pytest.fixture
def site(prepared: System) -> Site:
    prepared.start()
    return Site(prepared)


@pytest.fixture
def start(site: Site, tmp_path: Path) -> Iterator[Callable[..., list[Client]]]:
    """Starts one client of each kind, each kind with its own copy on the disk. They are closed at the end."""
    with ExitStack() as stack:

        def started(*, stream: bool) -> list[Client]:
            made = [kind(site.url, site.token, tmp_path / name, stream=stream) for name, kind in CLIENTS.items()]
            return [stack.enter_context(closing(client)) for client in made]

        yield started


def test_a_change_a_dead_server_and_a_restart(site: Site, start: Callable[..., list[Client]], tmp_path: Path) -> None:
    """Of each kind one client listens to the stream, the other only polls."""
    site.flag("rollout", percentage=100)
    site.flag("enable")
    listening, polling = start(stream=True), start(stream=False)
    everybody = [*listening, *polling]
    wait_for(lambda: all(client.is_on("user-1") for client in everybody))
    wait_for(lambda: all(client.status()["streaming"] for client in listening))

    site.flag("emergency-disable")
    wait_for(lambda: not any(client.is_on("user-1") for client in everybody))
    version = listening[0].status()["version"]
    wait_for(lambda: {client.status()["acknowledged"] for client in everybody} == {version})
    names = {client.status()["instance"] for client in everybody}
    assert names <= site.column(ACKNOWLEDGED, version)
    wait_for(lambda: {"STATIC", "DISABLED"} <= site.column(USED, ENVIRONMENT, KEY))

    site.flag("rollout", percentage=26)
    site.flag("enable")
    wait_for(lambda: all(client.is_on("user-1") and not client.is_on("user-42") for client in everybody))  # 25 and 56
    version = polling[0].status()["version"]
    wait_for(lambda: {json.loads((tmp_path / name).read_bytes())["version"] for name in CLIENTS} == {version})
    site.system.end()
    newcomers = start(stream=True)
    wait_for(lambda: all(client.status()["problem"] for client in polling + newcomers))
    wait_for(lambda: not any(client.status()["streaming"] for client in listening))
    everybody += newcomers
    assert [client.is_on(npub) for client in everybody for npub in ("user-1", "user-42")] == [True, False] * len(
        everybody
    )
    assert {client.status()["source"] for client in newcomers} == {"disk"}

    site.system.start()
    site.flag("emergency-disable")
    wait_for(lambda: not any(client.is_on("user-1") for client in everybody))
