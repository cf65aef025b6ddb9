"""A server that speaks the clients' protocol and can do everything wrong, on a free port."""

from __future__ import annotations

import contextlib
import gzip
import json
import queue
import socket
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Fault = Callable[["Handler"], None]
TOKEN = "nct_test"


def flag(key: str, **told: Any) -> dict[str, Any]:
    """A boolean js31 flag, on for everybody."""
    lists: dict[str, Any] = {name: [] for name in ("allow", "deny", "prerequisites", "rules")}
    return {
        "key": key,
        "type": "boolean",
        "enabled": True,
        "bucketing": "js31",
        "salt": "",
        "percentage": 100,
        "variants": {"on": True, "off": False},
        "serve": "on",
        "off": "off",
        "parameters": {},
        **lists,
        **told,
    }


def document(version: int, *flags: dict[str, Any], **told: Any) -> dict[str, Any]:
    changed = f"2026-01-01T00:{version % 60:02}:00+00:00"
    plain = {"format": 1, "environment": "production", "version": version, "changedAt": changed, "segments": {}}
    return {**plain, "flags": list(flags), **told}


class Server(ThreadingHTTPServer):
    """`fault` takes the place of the answer to a poll, `report_fault` of that to a report.

    `polls` are the times of all polls; `reports` the bodies of all reports that were
    taken, each once.
    """

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.document = document(1, flag("melt"))
        self.etag = ""  # what its ETags have behind the version
        self.fault: Fault | None = None
        self.report_fault: Fault | None = None
        self.stream_fault: Fault | None = None
        self.stream_tries = 0
        self.has_stream = False
        self.polls: list[float] = []
        self.tried: list[dict[str, Any]] = []
        self.reports: list[dict[str, Any]] = []
        self.streams: list[queue.Queue[bytes | None]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def publish(self, version: int, *flags: dict[str, Any], **told: Any) -> None:
        self.document = document(version, *flags, **told)

    def announce(self) -> None:
        version = self.document["version"]
        message = {"type": "refetchEvaluation", "etag": f'"{version}"', "lastModified": 1}
        self.say(f"id: {version}\ndata: {json.dumps(message)}\n\n".encode())

    def say(self, text: bytes | None) -> None:
        """To all streams; None cuts them."""
        for stream in self.streams:
            stream.put(text)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is no news."""


class Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        if self.path.startswith("/stream"):
            self.stream()
        elif self.headers["Authorization"] != f"Bearer {TOKEN}":
            self.answer(401)
        else:
            self.server.polls.append(time.monotonic())
            (self.server.fault or Handler.snapshot)(self)

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path == "/api/v1/stream-tickets":
            known = {"url": f"{self.server.url}/stream?ticket=t", "expiresAt": "2026-01-01T00:00:00Z"}
            self.answer(200 if self.server.has_stream else 404, json.dumps(known).encode())
            return
        self.server.tried.append(body)
        if self.server.report_fault is not None:
            self.server.report_fault(self)
        else:
            if all(body["report"] != known["report"] for known in self.server.reports):
                self.server.reports.append(body)
            self.answer(204)

    def snapshot(self) -> None:
        etag = f'"{self.server.document["version"]}{self.server.etag}"'
        if self.headers["If-None-Match"] == etag:
            self.answer(304)
        else:
            packed = gzip.compress(json.dumps(self.server.document).encode())
            self.answer(200, packed, ETag=etag, **{"Content-Encoding": "gzip"})

    def stream(self) -> None:
        self.server.stream_tries += 1
        if self.server.stream_fault is not None:
            self.server.stream_fault(self)
            return
        mine: queue.Queue[bytes | None] = queue.Queue()
        self.server.streams.append(mine)
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(b": hello\n\n")
        while (text := mine.get()) is not None:
            self.wfile.write(text)
        self.server.streams.remove(mine)
        self.close_connection = True

    def answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def hang_up(self) -> None:
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)


def status(code: int, **headers: str) -> Fault:
    return lambda handler: handler.answer(code, b"<html>oh</html>", **headers)


def body(text: bytes, **headers: str) -> Fault:
    return lambda handler: handler.answer(200, text, **headers)


def snapshot(made: dict[str, Any]) -> Fault:
    return body(json.dumps(made).encode())


def broken_off(handler: Handler) -> None:
    handler.answer(200, b'{"format": 1', Content_Length="5000")
    handler.hang_up()


def hanging(handler: Handler) -> None:
    time.sleep(1.5)
    handler.hang_up()


def dripping(handler: Handler) -> None:
    handler.send_response(200)
    handler.end_headers()
    with contextlib.suppress(OSError):
        for _ in range(60):
            handler.wfile.write(b" ")
            time.sleep(0.05)
    handler.hang_up()


def no_http(handler: Handler) -> None:
    handler.wfile.write(b"220 smtp.example.org ESMTP\r\n\r\n")
    handler.hang_up()


SLOW = ("silence", "a body that drips")


def patience(name: str) -> float:
    """A client's timeout in seconds: short where the fault lasts until it gives up."""
    return 0.4 if name in SLOW else 5


HALF = document(9, {"key": "melt", "enabled": True})
PACKED = gzip.compress(json.dumps(document(9, flag("melt"))).encode())
FAULTS: dict[str, Fault] = {
    "400": status(400),
    "404": status(404),
    "429 without a Retry-After": status(429),
    "429 with nonsense": status(429, Retry_After="soon"),
    "500": status(500),
    "503": status(503),
    "a redirect": status(302, Location="http://127.0.0.1:9/"),
    "204": status(204),
    "an empty body": body(b""),
    "a page": body(b"<html>Sign in</html>"),
    "bytes": body(bytes(range(256))),
    "null": body(b"null"),
    "a list": body(b"[1]"),
    "deep nesting": body(b"[" * 100_000),
    "half a document": body(json.dumps(document(9, flag("melt"))).encode()[:120]),
    "another format": snapshot(document(9, format=2)),
    "a version that is a text": snapshot({**document(9), "version": "9"}),
    "no flags": snapshot({key: value for key, value in document(9).items() if key != "flags"}),
    "half a flag": snapshot(HALF),
    "a flag served what it has not": snapshot(document(9, flag("melt", serve="blue"))),
    "an unknown hash": snapshot(document(9, flag("melt", bucketing="md5"))),
    "another environment": snapshot(document(9, environment="staging")),
    "an older version": snapshot(document(0, flag("melt", enabled=False))),
    "no gzip in gzip": body(b"oh", Content_Encoding="gzip"),
    "half a gzip": body(PACKED[:-12], Content_Encoding="gzip"),
    "a body that breaks off": broken_off,
    "silence": hanging,
    "a body that drips": dripping,
    "no HTTP": no_http,
    "a closed connection": Handler.hang_up,
}


@contextlib.contextmanager
def serving(port: int = 0) -> Iterator[Server]:
    server = Server(port)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.say(None)
        server.shutdown()
        server.server_close()


def until(true: Callable[[], object], seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.01)
