"""Both clients against the whole system as `manage.py up` runs it: a change, the death of the server, a restart."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any, Protocol

import pytest
from nctool_flags import Flags

from tests.system.running import System, wait_for

pytestmark = pytest.mark.system
NODE = shutil.which("node")
FOLLOW = Path(__file__).with_name("follow.mjs")
KEY, ENVIRONMENT = "atomicMeltOperations", "staging"


class Client(Protocol):
    """What both clients are asked here."""

    def is_on(self, npub: str) -> bool: ...
    def status(self) -> dict[str, Any]: ...
    def close(self) -> None: ...


class PythonClient:
    def __init__(self, url: str, token: str, copy: Path, *, stream: bool) -> None:
        self._flags = Flags(url, token, copy=copy, report_seconds=1, poll_seconds=2, stream=stream)

    def is_on(self, npub: str) -> bool:
        return self._flags.is_on(KEY, npub)

    def status(self) -> dict[str, Any]:
        return self._flags.status().to_dict()

    def close(self) -> None:
        self._flags.close()


class NodeClient:
    def __init__(self, url: str, token: str, copy: Path, *, stream: bool) -> None:
        options = json.dumps({"reportSeconds": 1, "pollSeconds": 2, "stream": stream})
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


CLIENTS = [
    pytest.param(PythonClient, id="python"),
    pytest.param(NodeClient, id="node", marks=pytest.mark.skipif(NODE is None, reason="there is no node here")),
]


class Site:
    """A running system with a token for clients."""

    def __init__(self, system: System) -> None:
        self.system = system
        self.url = f"http://127.0.0.1:{system.port}"
        named = ["--name", "clients", "--environment", ENVIRONMENT, "--scope", "snapshot"]
        self.token = self.manage("apitoken", "create", *named).splitlines()[-1]

    def manage(self, *arguments: str) -> str:
        done = self.system.manage(*arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def flag(self, action: str, *arguments: str) -> None:
        self.manage("flag", action, KEY, "--environment", ENVIRONMENT, "--reason", "test", *arguments)

    def rows(self, query: str) -> list[list[Any]]:
        """What this expression over `flags.models` holds."""
        code = f"import json; from flags.models import *; print(json.dumps(list(map(list, {query}))))"
        found: list[list[Any]] = json.loads(self.manage("shell", "--no-imports", "-c", code).splitlines()[-1])
        return found


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    system = System(tmp_path_factory.mktemp("system"))
    assert system.manage("setup").returncode == 0
    system.start()
    yield Site(system)
    system.end()


@pytest.fixture
def start() -> Iterator[Callable[..., Client]]:
    """Starts a client, which is closed at the end."""
    with ExitStack() as stack:

        def started(made: Callable[..., Client], *arguments: Any, **told: Any) -> Client:
            return stack.enter_context(closing(made(*arguments, **told)))

        yield started


def seconds_until(condition: Callable[[], object]) -> float:
    began = time.monotonic()
    wait_for(condition)
    return time.monotonic() - began


@pytest.mark.parametrize("made", CLIENTS)
def test_a_change_a_dead_server_and_a_restart(
    site: Site, start: Callable[..., Client], made: Callable[..., Client], tmp_path: Path
) -> None:
    """One client listens to the stream, the other only polls."""
    copy = tmp_path / "copy.json"
    site.flag("set", "--percentage", "100")
    site.flag("enable")
    listens, polls = (start(made, site.url, site.token, copy, stream=stream) for stream in (True, False))
    for client in (listens, polls):
        wait_for(lambda asked=client: asked.is_on("user-1"))
    wait_for(lambda: listens.status()["streaming"])

    site.flag("kill")
    assert seconds_until(lambda: not listens.is_on("user-1")) < 2  # at once; the machine may be busy
    assert seconds_until(lambda: not polls.is_on("user-1")) < 5  # within 2.4 s, which began with the command
    version = listens.status()["version"]
    wait_for(lambda: listens.status()["acknowledged"] == polls.status()["acknowledged"] == version)
    told = f"Acknowledgement.objects.filter(version={version}).values_list('instance__name')"
    assert {listens.status()["instance"], polls.status()["instance"]} <= {row[0] for row in site.rows(told)}
    asked = f"Usage.objects.filter(environment__key={ENVIRONMENT!r}, flag_key={KEY!r}, source='client')"
    wait_for(lambda: {"STATIC", "DISABLED"} <= {row[0] for row in site.rows(f"{asked}.values_list('reason')")})

    site.flag("set", "--percentage", "26")
    site.flag("enable")
    for client in (listens, polls):
        wait_for(lambda asked=client: asked.is_on("user-1") and not asked.is_on("user-42"))  # buckets 25 and 56
    wait_for(lambda: json.loads(copy.read_bytes())["version"] == polls.status()["version"])
    site.system.end()
    newcomer = start(made, site.url, site.token, copy, stream=True)
    for client in (listens, polls, newcomer):
        wait_for(lambda asked=client: asked.status()["problem"])
        assert client.is_on("user-1")
        assert not client.is_on("user-42")
    assert newcomer.status()["source"] == "disk"

    site.system.start()
    site.flag("kill")
    for client in (listens, polls, newcomer):
        wait_for(lambda asked=client: not asked.is_on("user-1"))
