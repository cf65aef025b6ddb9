"""An HTTP server that answers as a Prometheus would, or as a test says."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

Answer = Callable[[dict[str, list[str]], Any], tuple[int, bytes]]


class Server:
    """Answers as `answer` says; keeps what it was asked."""

    def __init__(self) -> None:
        self.answer: Answer = lambda form, headers: (200, vector())
        self.asked: list[tuple[str, dict[str, list[str]], Any]] = []
        self.url = ""
        self.slow = 0.0  # seconds before each answer


def vector(*rows: tuple[dict[str, str], float, str]) -> bytes:
    found = [{"metric": labels, "value": [at, value]} for labels, at, value in rows]
    return json.dumps({"status": "success", "data": {"resultType": "vector", "result": found}}).encode()


@contextmanager
def serving() -> Iterator[Server]:
    """A server on a port of its own, for as long as the block lasts."""
    server = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            form = parse_qs(self.rfile.read(int(self.headers.get("Content-Length", 0))).decode())
            self._do(form)

        def do_GET(self) -> None:
            self._do({})

        def _do(self, form: dict[str, list[str]]) -> None:
            server.asked.append((self.path, form, self.headers))
            time.sleep(server.slow)
            status, body = server.answer(form, self.headers)
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            with suppress(OSError):  # who asked has gone
                self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=http.serve_forever, args=(0.05,), daemon=True).start()
    server.url = f"http://127.0.0.1:{http.server_address[1]}"
    yield server
    http.shutdown()
    http.server_close()
