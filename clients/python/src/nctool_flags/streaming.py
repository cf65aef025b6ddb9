"""Listen to the server's events, so that a change is seen at once; polling goes on whatever happens here."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable

from nctool_flags.pace import Pace
from nctool_flags.transport import Http, Lines, Unreachable

log = logging.getLogger("nctool_flags")
RECONNECT = 15.0  # seconds; the first tries come sooner, the last within four times as many
SILENCE = 40.0  # seconds; the server says something every 15
LONGEST_RETRY = 60.0  # seconds: what a `retry` of the server may be at most
STEADY = 60.0  # seconds after which a connection that breaks is not held against the server

News = Callable[[int, str], None]


class Listener:
    """`listen` is for one thread. `url` is a stream to open with the token; empty: ask the server for a ticket."""

    def __init__(self, http: Http, url: str, news: News) -> None:
        self.pace = Pace(RECONNECT)
        self.connected = False
        self._http, self._url, self._news = http, url, news
        self._lines: Lines | None = None
        self._closed = self._told = False

    def listen(self) -> None:
        """One connection, until it breaks."""
        began = time.monotonic()
        try:
            lines = self._lines = self._open()
            if lines is None:
                return
            self.connected, self._told = True, False
            self._news(0, "")  # what was announced before is lost
            self._follow(lines)
        except (Unreachable, ValueError) as error:
            if time.monotonic() - began > STEADY:
                self.pace.failures = 0
            self._broken(str(error), None)
        finally:
            self.connected = False
            self._drop()

    def close(self) -> None:
        """From another thread: ends a reading that waits."""
        self._closed = True
        self._drop()

    def _open(self) -> Lines | None:
        """The stream; None when there is none to be had now, and `pace` says when to try again."""
        url = self._url or self._ticket()
        if url is None:
            return None
        lines = self._http.listen(url, own=bool(self._url), silence=SILENCE)
        if lines.status == 200:
            return lines
        lines.close()
        retry_after = lines.headers.get("Retry-After", "")
        self._refused(lines.status, float(retry_after) if retry_after.isdecimal() else None)
        return None

    def _ticket(self) -> str | None:
        reply = self._http.ask("POST", "/api/v1/stream-tickets", body=b"{}")
        if reply.status in (200, 201):
            answer = json.loads(reply.body)
            if isinstance(answer, dict) and isinstance(answer.get("url"), str):
                return str(answer["url"])
            raise ValueError("a stream ticket without a url")
        self._refused(reply.status, reply.retry_after)
        return None

    def _follow(self, lines: Lines) -> None:
        """Raises Unreachable at the end. A message of an unknown type is none."""
        told: dict[str, str] = {}
        while not self._closed:
            line = lines.read()
            if line:
                name, _, text = line.partition(":")
                told[name] = text.removeprefix(" ")
                continue
            if "data" in told:
                self._heard(told["data"], told.get("id", ""))
            if _is_number(told.get("retry", "")):
                self.pace.first = min(max(int(told["retry"]) / 1000, 0.1), LONGEST_RETRY)
            told = {}

    def _heard(self, data: str, version: str) -> None:
        """Raises ValueError for what is no JSON."""
        message = json.loads(data)
        if isinstance(message, dict) and message.get("type") == "refetchEvaluation":
            self._news(int(version) if _is_number(version) else 0, str(message.get("etag", "")))

    def _refused(self, status: int, retry_after: float | None) -> None:
        if status == 429 or status >= 500:
            self._broken(f"the server answered {status}", retry_after)
        else:  # no stream here, or not for this token
            self._tell(f"the server answered {status}")
            self.pace.refused(time.monotonic())

    def _broken(self, problem: str, retry_after: float | None) -> None:
        self._tell(problem)
        self.pace.failed(time.monotonic(), retry_after)

    def _tell(self, problem: str) -> None:
        if not self._told and not self._closed:
            log.info("no stream of changes, they are found by polling: %s", problem)
        self._told = True

    def _drop(self) -> None:
        lines, self._lines = self._lines, None
        if lines is not None:
            lines.close()


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal()
