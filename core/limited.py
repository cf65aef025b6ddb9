"""An end to what is said over a network, whatever the other side does.

Time-outs of sockets limit each wait, not their sum: who sends a byte every few seconds would hold a worker for ever.
Here the sockets are shut down when the time for all of it is over.
"""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress


class Limit:
    """So many seconds from now. As a context manager it keeps watch over the sockets that `watch` was given."""

    def __init__(self, seconds: float) -> None:
        self.over = False
        self._end = time.monotonic() + seconds
        self._lock, self._sockets = threading.Lock(), list[socket.socket]()

    @property
    def left(self) -> float:
        """Seconds; below 0 when they are over."""
        return self._end - time.monotonic()

    def __enter__(self) -> Limit:
        self._timer = threading.Timer(max(self.left, 0), self._cut)
        self._timer.daemon = True
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        with self._lock:
            for each in self._sockets:
                each.close()
            self._sockets.clear()

    def watch(self, made: socket.socket) -> None:
        """Shut this one down, too; TimeoutError when it is too late. By a second handle: TLS takes the first over."""
        with self._lock:
            self._sockets.append(made.dup())
            if self.over:
                raise TimeoutError

    def _cut(self) -> None:
        with self._lock:
            self.over = True
            for each in self._sockets:
                with suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)
