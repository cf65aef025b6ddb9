"""`eventStreams` of a bulk answer: where a web client hears of changes (OFREP's event streams, ADR 0013)."""

from __future__ import annotations

import time
from urllib.parse import urlencode

import orjson

from flags.domain.configuration import TokenConfig
from flags.services import tickets

WINDOW = 3600  # seconds; a ticket is good for the rest of its window and the next one
_HIDDEN = 120  # seconds that a page may be hidden before its client closes the stream


class EventStreams:
    """Gives the end of a bulk answer, and what its ETag needs.

    A client keeps the address of the stream with its ETag, and comes back with the same one. So the ETag changes with
    the window: a client whose ticket has ended is never told that nothing changed.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._window = 0
        self._made: dict[str, tuple[bytes, str]] = {}

    def of(self, token: TokenConfig) -> tuple[bytes, str]:
        """What takes the place of the last brace of the body, and of the last quote of the ETag."""
        window = int(time.time()) // WINDOW
        if window != self._window:
            self._window, self._made = window, {}
        found = self._made.get(token.digest)
        if found is None:
            found = self._made[token.digest] = self._end(token, window)
        return found

    def _end(self, token: TokenConfig, window: int) -> tuple[bytes, str]:
        ticket = tickets.issue(token, expires=(window + 2) * WINDOW)
        stream = {
            "type": "sse",
            "url": f"{self._url}?{urlencode({'ticket': ticket})}",
            "inactivityDelaySec": _HIDDEN,
        }
        return b',"eventStreams":%b}' % orjson.dumps([stream]), f'-{window}"'
