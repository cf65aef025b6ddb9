"""The stream of a running system: read by hand, by the stock OpenFeature web provider, and at the end of the server."""

from __future__ import annotations

import json
import shutil
import subprocess
import threading
import time
from pathlib import Path
from queue import Empty, Queue
from typing import Any

import pytest
import requests

from tests.system.running import SECONDS, System, wait_for

pytestmark = pytest.mark.system
KEY, ENVIRONMENT = "atomicMeltOperations", "staging"
PROVIDER = Path(__file__).parents[1] / "data" / "web-provider"
SOON = 30.0  # seconds, on a busy machine: without the stream nobody of these would ever hear of a change
NODE, NPM = shutil.which("node"), shutil.which("npm")


class Site:
    def __init__(self, system: System) -> None:
        self.system = system
        self.url = f"http://127.0.0.1:{system.port}"
        named = ["--name", "stream", "--environment", ENVIRONMENT]
        scopes = ["--scope", "evaluate", "--scope", "operate"]
        self.token = self.manage("apitoken", "create", *named, *scopes).splitlines()[-1]

    def manage(self, *arguments: str) -> str:
        done = self.system.manage(*arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def post(self, path: str, token: str | None = None, **body: Any) -> requests.Response:
        headers = {"Authorization": f"Bearer {token or self.token}"}
        reply = requests.post(self.url + path, json=body, headers=headers, timeout=SECONDS)
        assert reply.status_code == 200, reply.text
        return reply

    def flag(self, action: str, **body: Any) -> None:
        self.post(f"/api/v1/flags/{KEY}/{action}", reason="test", **body)

    def ticket(self, token: str | None = None) -> str:
        url: str = self.post("/api/v1/stream-tickets", token).json()["url"]
        return url


@pytest.fixture(scope="module")
def site(prepared: System) -> Site:
    prepared.start()
    return Site(prepared)


class Line:
    """An open stream, read in a thread. `next` gives the data of the next message; `ended` tells that it is over."""

    def __init__(self, url: str, **headers: str) -> None:
        self._messages: Queue[dict[str, Any]] = Queue()
        self.reply = requests.get(url, headers=headers, stream=True, timeout=SECONDS)
        self.ended = threading.Event()
        self._id = ""
        threading.Thread(target=self._read, daemon=True).start()

    def next(self) -> dict[str, Any]:
        try:
            return self._messages.get(timeout=SOON)
        except Empty:
            raise AssertionError("no message came") from None

    def _read(self) -> None:
        for line in self.reply.iter_lines(decode_unicode=True):
            if line.startswith("id: "):
                self._id = line[4:]
            elif line.startswith("data: "):
                self._messages.put({"id": self._id, **json.loads(line[6:])})
        self.ended.set()


def test_a_line_hears_of_a_change_and_the_next_answer_holds_it(site: Site) -> None:
    line = Line(site.ticket())
    assert line.reply.headers["Content-Type"] == "text/event-stream"
    first = line.next()
    site.flag("rollout", percentage=37)
    told = line.next()
    assert (told["type"], int(told["id"]) > int(first["id"])) == ("refetchEvaluation", True)
    for _ in range(10):  # both processes are asked, at once
        asked = f"/ofrep/v1/evaluate/flags?flagConfigEtag={told['etag']}&flagConfigLastModified={told['lastModified']}"
        answer = site.post(asked, context={"targetingKey": "user-1"})
        assert answer.json()["metadata"]["configVersion"] == int(told["id"])
    again = Line(site.ticket(), **{"Last-Event-ID": told["id"]})
    site.flag("rollout", percentage=38)
    assert int(again.next()["id"]) == int(line.next()["id"]) == int(told["id"]) + 1


def test_with_the_token_its_lines_and_tickets_end_and_no_log_holds_one(site: Site) -> None:
    named = ["--name", "gone", "--environment", ENVIRONMENT, "--scope", "evaluate"]
    token = site.manage("apitoken", "create", *named).splitlines()[-1]
    url = site.ticket(token)
    line = Line(url)
    line.next()
    listed = [row.split() for row in site.manage("apitoken", "list").splitlines()]
    [number] = [row[0] for row in listed if "gone" in row]
    site.manage("apitoken", "revoke", number)
    assert line.ended.wait(SOON)
    assert requests.get(url, timeout=SECONDS).status_code == 401
    ticket = url.partition("ticket=")[2]
    logs = [log.read_text(errors="replace") for log in (site.system.data_dir / "logs").iterdir()]
    assert logs
    assert not [log for log in logs if ticket[:40] in log or "/stream" in log]


@pytest.fixture(scope="session")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The stock web provider, installed; where it cannot be, the lines read by hand above cover the protocol."""
    if not (NODE and NPM):
        pytest.skip("there is no Node here: the protocol is covered by the lines read by hand")
    directory = tmp_path_factory.mktemp("provider") / "web-provider"
    shutil.copytree(PROVIDER, directory)
    command = [NPM, "install", "--no-audit", "--no-fund", "--ignore-scripts"]
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True, timeout=180)
    if done.returncode:
        pytest.skip(f"npm gives no packages here: the protocol is covered by the lines read by hand. {done.stderr}")
    return directory


def test_the_stock_web_provider_follows_enable_and_kill(site: Site, provider: Path) -> None:
    command = [NODE or "node", "follow.mjs", site.url, site.token, KEY]
    process = subprocess.Popen(command, cwd=provider, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    told: Queue[Any] = Queue()
    assert process.stdout is not None
    threading.Thread(target=lambda out: [told.put(line) for line in out], args=(process.stdout,), daemon=True).start()

    def value() -> bool:
        found: bool = json.loads(told.get(timeout=SECONDS))["value"]
        return found

    try:
        assert value() is False
        time.sleep(0.5)  # the provider opens its stream after it has told
        for action, expected in (("enable", True), ("emergency-disable", False), ("enable", True)):
            if expected:
                site.flag("rollout", percentage=100)  # an emergency sets it to 0
            site.flag(action)
            wait_for(lambda wanted=expected: value() is wanted)
    finally:
        process.kill()
        process.wait()


def test_at_the_end_lines_are_ended_in_order_and_nobody_is_missed(site: Site) -> None:
    line = Line(site.ticket())
    line.next()
    requests.get(f"{site.url}/readyz", timeout=SECONDS)
    site.system.end()
    assert line.ended.wait(SECONDS)
    log = (site.system.data_dir / "logs" / "stream.log").read_text()
    assert "Stopped worker-1" in log
    assert "refused to gracefully stop" not in log
    kinds = "sorted(set(Instance.objects.{}(stopped_at=None).values_list('kind', flat=True)))"
    code = f"from flags.models import *; print({kinds.format('filter')}, {kinds.format('exclude')})"
    assert site.manage("shell", "--no-imports", "-c", code).splitlines()[-1] == "[] ['stream', 'web']"
