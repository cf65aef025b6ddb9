"""The stock OpenFeature client for Python against a running server, through outages."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests
from django.conf import settings
from openfeature import api
from openfeature.client import OpenFeatureClient
from openfeature.contrib.provider.ofrep import OFREPProvider
from openfeature.evaluation_context import EvaluationContext
from openfeature.exception import ErrorCode
from openfeature.flag_evaluation import Reason

from tests import servers

pytestmark = pytest.mark.system
KEY = "atomicMeltOperations"
NPUB = EvaluationContext(targeting_key="user-1", attributes={"plan": "pro"})  # js31 bucket 25
SEED = f"""
import django; django.setup()
from django.core.management import call_command
from django.utils import timezone
from core import environments
from core.actors import Actor, ActorKind
from flags.domain.bucketing import Bucketing
from flags.domain.change import StateChange
from flags.services import lists, registry, rollout, tokens
call_command("migrate", verbosity=0)
actor = Actor("test", ActorKind.COMMAND)
told = {{"actor": actor, "reason": "test", "now": timezone.now()}}
environments.define("production", {{"name": "Production"}}, **told)
registry.define("{KEY}", name="m", description="", bucketing=Bucketing.JS31, **told)
registry.define("salted", name="s", description="", bucketing=Bucketing.MURMUR3, **told)
parameters = {{"transactionTimeout": 30000, "steps": [1]}}
rollout.change("{KEY}", "production", StateChange(enabled=True, percentage=26, parameters=parameters), **told)
lists.edit_allow_list("{KEY}", "production", add=["npub1vip"], **told)
scopes = ["evaluate", "operate"]
print(tokens.create("nctool", "production", scopes, actor=actor, now=timezone.now())[1])
"""


@dataclass
class Site:
    """A web server of two processes with its own database and Redis."""

    directory: Path
    environ: dict[str, str]
    port: int
    token: str = ""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def python(self, *arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, *arguments],
            env=self.environ,
            cwd=settings.BASE_DIR,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def flag(self, action: str, *, key: str = KEY, **body: object) -> None:
        """Change a flag over REST."""
        reply = requests.post(
            f"{self.url}/api/v1/flags/{key}/{action}",
            json={"reason": "test", **body},
            headers={"Authorization": f"Bearer {self.token}"},
            timeout=60,
        )
        assert reply.status_code == 200, reply.text

    def serving(self) -> subprocess.Popen[bytes]:
        command = [
            *(sys.executable, "-m", "granian", "--interface", "wsgi", "--workers", "2", "--no-ws"),
            *("--port", str(self.port), "nctool_rollout.wsgi:application"),
        ]
        log = (self.directory / "web.log").open("ab")
        process = subprocess.Popen(
            command, env=self.environ, cwd=settings.BASE_DIR, stdout=log, stderr=log, start_new_session=True
        )
        until(lambda: self.get("/readyz").status_code == 200)
        return process

    def get(self, path: str) -> requests.Response:
        try:
            return requests.get(self.url + path, timeout=60)
        except requests.ConnectionError:
            return requests.Response()  # status_code None: not there yet

    def ask(self, npub: str = "user-1") -> dict[str, object]:
        reply = requests.post(
            f"{self.url}/ofrep/v1/evaluate/flags/{KEY}",
            json={"context": {"targetingKey": npub}},
            headers={"Authorization": f"Bearer {self.token}"},
            timeout=60,
        )
        assert reply.status_code == 200, reply.text
        body: dict[str, object] = reply.json()
        return body


def until(true: Callable[[], object], *, seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)


def stop(process: subprocess.Popen[bytes]) -> None:
    os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(15)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, redis_url: str) -> Iterator[Site]:
    directory = tmp_path_factory.mktemp("site")
    environ = {name: value for name, value in os.environ.items() if name not in {"DATABASE_URL", "PYTHONPATH"}}
    environ |= {
        "DATA_DIR": str(directory),
        "REDIS_URL": redis_url,
        "DJANGO_SETTINGS_MODULE": "nctool_rollout.settings",
        "ALLOWED_HOSTS": "127.0.0.1",
        "SNAPSHOT_POLL_SECONDS": "1",
    }
    made = Site(directory, environ, servers.free_port())
    made.token = made.python("-c", SEED).splitlines()[-1]
    process = made.serving()
    yield made
    stop(process)


def client_with(site: Site, token: str) -> OpenFeatureClient:
    provider = OFREPProvider(site.url, headers_factory=lambda: {"Authorization": f"Bearer {token}"})
    api.set_provider(provider, domain=token)
    return api.get_client(token)


def test_the_stock_client_reads_values_reasons_parameters_and_errors(site: Site) -> None:
    client = client_with(site, site.token)

    details = client.get_boolean_details(KEY, False, NPUB)
    assert (details.value, details.reason, details.variant) == (True, Reason.SPLIT, "on")
    assert details.error_code is None
    assert details.flag_metadata["transactionTimeout"] == 30000
    assert details.flag_metadata["bucket"] == 25
    listed = client.get_boolean_details(KEY, False, EvaluationContext(targeting_key="npub1vip"))
    assert (listed.value, listed.reason) == (True, Reason.TARGETING_MATCH)

    disabled = client.get_boolean_details("salted", True, NPUB)
    assert (disabled.value, disabled.reason, disabled.error_code) == (True, Reason.DISABLED, None)
    unknown = client.get_boolean_details("nosuch", True, NPUB)
    assert (unknown.value, unknown.error_code) == (True, ErrorCode.FLAG_NOT_FOUND)
    site.flag("rollout", key="salted", percentage=12.5)
    site.flag("enable", key="salted")
    until(lambda: client.get_boolean_details("salted", False, NPUB).reason == Reason.SPLIT)
    keyless = client.get_boolean_details("salted", True, EvaluationContext())
    assert (keyless.value, keyless.error_code) == (True, ErrorCode.TARGETING_KEY_MISSING)
    stranger = client_with(site, "nct_unknown").get_boolean_details(KEY, True, NPUB)
    assert (stranger.value, stranger.error_code) == (True, ErrorCode.GENERAL)


def test_a_chunked_body_reaches_both_doors(site: Site) -> None:
    headers = {"Authorization": f"Bearer {site.token}", "Content-Type": "application/json"}
    context = json.dumps({"context": {"targetingKey": "user-1"}}).encode()
    evaluated = requests.post(f"{site.url}/ofrep/v1/evaluate/flags", data=iter([context]), headers=headers, timeout=60)
    assert evaluated.json()["flags"][0]["metadata"]["bucket"] == 25
    refused = requests.post(
        f"{site.url}/api/v1/flags/{KEY}/rollout",
        data=iter([b'{"percentage": 101, ', b'"reason": "chunks"}']),
        headers=headers,
        timeout=60,
    )
    assert (refused.status_code, refused.json()["field"]) == (422, "percentage")


def test_a_kill_reaches_every_process_and_the_answer_outlives_the_database(site: Site) -> None:
    def answers() -> list[object]:
        return [site.ask().get("value") for _ in range(12)]  # new connections: both processes are asked

    assert answers() == [True] * 12
    manage = str(settings.BASE_DIR / "manage.py")
    site.python(manage, "flag", "kill", KEY, "--environment", "production", "--reason", "test")
    until(lambda: answers() == [None] * 12)
    site.flag("rollout", percentage=100)
    site.flag("enable")
    until(lambda: answers() == [True] * 12)

    database = site.directory / "control.sqlite3"
    kept = [database.with_name(database.name + suffix) for suffix in ("", "-wal", "-shm")]
    port, site.port = site.port, servers.free_port()
    for file in kept:
        if file.exists():
            file.rename(file.with_name(f"gone-{file.name}"))
    database.mkdir()  # nobody can open it, and nobody can make a new one
    process = site.serving()
    try:
        assert answers() == [True] * 12
        parts = site.get("/readyz").json()["parts"]
        assert (parts["evaluation"]["source"], parts["database"]["state"]) == ("disk", "down")
        database.rmdir()
        for file in kept:
            if (moved := file.with_name(f"gone-{file.name}")).exists():
                moved.rename(file)
        until(lambda: site.get("/readyz").json()["parts"]["evaluation"]["source"] == "database")
        site.flag("disable")
        until(lambda: answers() == [None] * 12)
    finally:
        stop(process)
        site.port = port
