"""Servers that really listen and speak what Slack, PagerDuty, Alertmanager and a webhook's receiver publish."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Reply = tuple[int, dict[str, str], bytes]


@dataclass
class Heard:
    """One request as it came."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Server:
    """Answers each POST with the next of `answers`, then as `speaks` says. `drip`: seconds between two bytes."""

    url: str = ""
    speaks: Callable[[Heard], Reply] = lambda _: (200, {}, b"ok")
    answers: list[Reply] = field(default_factory=list)
    heard: list[Heard] = field(default_factory=list)
    wait: float = 0
    drip: float = 0
    hang_up: bool = False


@contextmanager
def listening(speaks: Callable[[Heard], Reply] | None = None) -> Iterator[Server]:
    state = Server(**({"speaks": speaks} if speaks else {}))

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            request = Heard(self.path, {name.lower(): value for name, value in self.headers.items()}, body)
            state.heard.append(request)
            if state.hang_up:
                self.connection.close()
                return
            time.sleep(state.wait)
            status, headers, said = state.answers.pop(0) if state.answers else state.speaks(request)
            try:
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(said)))
                self.end_headers()
                for byte in said if state.drip else ():
                    self.wfile.write(bytes([byte]))
                    time.sleep(state.drip)
                if not state.drip:
                    self.wfile.write(said)
            except (BrokenPipeError, ConnectionResetError):
                pass  # the caller has given up, as it should

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    state.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()


def slack_api(token: str) -> Callable[[Heard], Reply]:
    """chat.postMessage and chat.update as Slack answers them, with what it refuses."""
    sent: list[str] = []

    def speak(request: Heard) -> Reply:
        def say(**told: Any) -> Reply:
            return 200, {"Content-Type": "application/json"}, json.dumps(told).encode()

        if request.headers.get("authorization") != f"Bearer {token}":
            return say(ok=False, error="invalid_auth")
        body = request.json
        if any(len(block.get("text", {}).get("text", "")) > 3000 for block in body.get("blocks", [])):
            return say(ok=False, error="invalid_blocks")
        if request.path.endswith("chat.update"):
            known = body["ts"] in sent and body["channel"].startswith("C")
            return say(ok=True, ts=body["ts"]) if known else say(ok=False, error="message_not_found")
        if body["channel"] == "#nowhere":
            return say(ok=False, error="channel_not_found")
        sent.append(f"17700000{len(sent):02}.000100")
        return say(ok=True, channel="C0123456", ts=sent[-1])

    return speak


def pagerduty(request: Heard) -> Reply:
    """Events API v2: what is asked for is checked as it documents."""
    event = request.json
    wrong = [name for name in ("routing_key", "event_action", "dedup_key") if not event.get(name)]
    if event.get("event_action") == "trigger":
        payload = event.get("payload", {})
        wrong += [name for name in ("summary", "source", "severity") if not payload.get(name)]
        wrong += ["severity"] if payload.get("severity") not in ("critical", "error", "warning", "info") else []
        wrong += ["summary"] if len(payload.get("summary", "")) > 1024 else []
    if wrong or request.path != "/v2/enqueue":
        return 400, {}, json.dumps({"status": "invalid event", "errors": wrong}).encode()
    return 202, {}, json.dumps({"status": "success", "dedup_key": event["dedup_key"]}).encode()


def alertmanager(request: Heard) -> Reply:
    alerts = request.json
    if request.path != "/api/v2/alerts" or not all(alert["labels"].get("alertname") for alert in alerts):
        return 400, {}, b"bad"
    return 200, {}, b""
