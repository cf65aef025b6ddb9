"""nctool's health address: `GET /health`, which the probes of the control plane ask."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PATH = "/health"


class Health:
    """Answers on a port of its own until it is closed. `healthy` is asked for each request.

    Port 0 is any free one; `port` tells which it became.
    """

    def __init__(self, port: int, healthy: Callable[[], bool], *, clock: Callable[[], float]) -> None:
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

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.port: int = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()  # first: a loop over a closed socket never rests
        self._server.server_close()
