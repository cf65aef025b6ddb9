"""A control plane that only plays its two doors, for tests of the other side of the wire."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pymongo
import pytest

from simulator.runner import Config

TOKEN = "nct_test"


class Doors:
    """What the server answers, and what it was told. `refuse` is a status to answer by path."""

    def __init__(self) -> None:
        self.on: set[str] = set()
        self.metadata: dict[str, Any] = {}
        self.refuse: dict[str, int] = {}
        self.token = TOKEN
        self.asked: list[str] = []
        self.reports: dict[str, list[dict[str, Any]]] = {}
        self.tries: list[str] = []
        self.complaints: dict[str, dict[str, Any]] = {}
        self.turned_away = 0
        self.base_url = ""

    def answer(self, path: str, token: str, body: dict[str, Any]) -> tuple[int, Any]:
        if token != f"Bearer {self.token}":
            self.turned_away += 1
            return 401, {}
        if path in self.refuse:
            return self.refuse[path], {}
        if path == "/ofrep/v1/evaluate/flags":
            self.asked.append(body["context"]["targetingKey"])
            return 200, {"flags": [self._flag(key) for key in ("atomicMeltOperations", "preFlightReconciliation")]}
        if path == "/api/v1/complaints":
            self.complaints.setdefault(body["key"], body)
            return 201, body
        self.tries.append(body["id"])
        self.reports.setdefault(body["id"], body["metrics"])
        return 202, {"stored": len(body["metrics"]), "duplicate": False}

    def _flag(self, key: str) -> dict[str, Any]:
        on = key in self.on
        metadata = self.metadata.get(key, {})
        return {"key": key, "value": on, "variant": "on" if on else "off", "reason": "SPLIT", "metadata": metadata}

    def newest(self, name: str) -> float | None:
        """What a gauge stood at in the newest report."""
        rows = [row for rows in list(self.reports.values()) for row in rows if row["name"] == name]
        return rows[-1]["value"] if rows else None

    def totals(self, name: str, *labels: str) -> Counter[tuple[str, ...]]:
        """The sum of a metric's values by some of its labels."""
        found: Counter[tuple[str, ...]] = Counter()
        for rows in list(self.reports.values()):
            for row in rows:
                if row["name"] == name:
                    found[tuple(row["labels"].get(label, "") for label in labels)] += row["value"]
        return found


@pytest.fixture
def doors() -> Iterator[Doors]:
    doors = Doors()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status, answer = doors.answer(self.path, self.headers["Authorization"], body)
            content = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    doors.base_url = f"http://127.0.0.1:{server.server_port}"
    yield doors
    server.shutdown()
    server.server_close()


@pytest.fixture
def database(mongodb_url: str, mongodb_name: str) -> Iterator[Any]:
    """An empty nctool database."""
    with pymongo.MongoClient(mongodb_url, tz_aware=True, timeoutMS=20_000) as client:
        yield client[mongodb_name]


@pytest.fixture
def config(doors: Doors, mongodb_url: str, mongodb_name: str, tmp_path: Path) -> Config:
    """Fast, so that a test sees much in a few seconds."""
    return Config(
        base_url=doors.base_url,
        mongodb_url=mongodb_url,
        mongodb_name=mongodb_name,
        fault_file=tmp_path / "faults.json",
        rate=40,
        seed=7,
    )
