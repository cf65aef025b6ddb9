"""nctool's health address: `GET /health`, which the probes of the control plane ask."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PATH = "/health"
AGAIN = 1.0  # seconds
log = logging.getLogger(__name__)


class Health:
    """Answers on a port of its own until it is closed. `healthy` is asked for each request.

    A port that somebody else has is tried again each second, and melts go on meanwhile: to probes nctool is away,
    as it would be. Port 0 is any free one; `port` tells which it became, 0 as long as none is had.
    """

    def __init__(self, port: int, healthy: Callable[[], bool], *, clock: Callable[[], float]) -> None:
        self.port = 0
        self._handler = _handler(healthy, clock=clock)
        self._over = threading.Event()
        self._server: ThreadingHTTPServer | None = None
        if not self._open(port):
            log.warning("Port %s of the health address is taken. It is tried again each second.", port)
            threading.Thread(target=self._keep_trying, args=(port,), daemon=True).start()

    def close(self) -> None:
        self._over.set()
        if self._server is not None:
            self._server.shutdown()  # first: a loop over a closed socket never rests
            self._server.server_close()

    def _keep_trying(self, port: int) -> None:
        while not self._over.wait(AGAIN):
            if self._open(port):
                if self._over.is_set():  # it was closed in this moment
                    self.close()
                return

    def _open(self, port: int) -> bool:
        try:
            server = ThreadingHTTPServer(("127.0.0.1", port), self._handler)
        except OSError:
            return False
        self._server, self.port = server, server.server_address[1]
        threading.Thread(target=server.serve_forever, args=(0.1,), daemon=True).start()
        return True


def _handler(healthy: Callable[[], bool], *, clock: Callable[[], float]) -> type[BaseHTTPRequestHandler]:
    started = clock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 10

        def do_GET(self) -> None:
            if self.path != PATH:
                self._answer(404, {"error": f"There is only {PATH}."})
                return
            well = healthy()
            status = "HEALTHY" if well else "UNHEALTHY"
            self._answer(200 if well else 503, {"status": status, "uptimeSeconds": round(clock() - started)})

        def _answer(self, status: int, body: dict[str, object]) -> None:
            content = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *args: object) -> None:
            pass

    return Handler
