"""The page from memory: each document is rendered once, and then the same bytes are given to everybody.

A rendered copy is good until the picture changes, the page becomes stale or is confirmed again, or a minute has passed:
then bars and times have moved on. While one thread renders it anew the others still give the old one.
"""

from __future__ import annotations

import gzip
import hashlib
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from threading import Lock
from urllib.parse import parse_qs

from django.utils.translation.trans_real import parse_accept_lang_header

from statuspage.domain.languages import FIRST, LANGUAGES
from statuspage.services.keeping import Held, Keeper
from statuspage.views.pages import HTML, JSON, Asked, Seen, kind_of, render

log = logging.getLogger(__name__)
FRESH = 60.0  # seconds
MAX_AGE = 15  # seconds that browsers and proxies may keep it; in bad times a proxy may go on for a day
Headers = list[tuple[str, str]]
Answer = tuple[int, Headers, bytes]
POLICY = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'"
SAFE: Headers = [
    ("Content-Security-Policy", f"{POLICY}; frame-ancestors 'none'"),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
]


@dataclass(frozen=True, slots=True)
class Request:
    """What of a request matters: header values are empty where a header is missing."""

    path: str
    query: str = ""
    languages: str = ""
    encodings: str = ""
    etags: str = ""


@dataclass(frozen=True, slots=True)
class _Copy:
    held: Held
    stale: bool
    made_at: float
    etag: str
    plain: bytes
    packed: bytes


class Documents:
    """Answers for every path of the page that has no form on it."""

    def __init__(self, keeper: Keeper, *, clock: Callable[[], datetime]) -> None:
        self.keeper = keeper
        self._clock = clock
        self._copies: dict[Asked, _Copy] = {}
        self._rendering: dict[Asked, Lock] = {}
        self._version: object = None

    def answer(self, request: Request) -> Answer | None:
        """The answer; None when the page has nothing there."""
        kind = kind_of(request.path)
        if kind is None:
            return None
        self.keeper.start()
        held = self.keeper.held
        if held is None:
            return _nothing_yet()
        asked = Asked(request.path, FIRST if kind == JSON else language(request))
        try:
            copy = self._copy(asked, held)
        except Exception:
            log.exception("%s of the status page cannot be rendered", request.path)
            return _nothing_yet()
        return None if copy is None else _answer(request, kind, copy)

    def seen(self) -> Seen | None:
        """What the documents are rendered from now; None when nothing could be read yet."""
        self.keeper.start()
        held = self.keeper.held
        return None if held is None else self._seen(held)

    def _seen(self, held: Held) -> Seen:
        return Seen(held.picture, held.as_of, self._clock(), self.keeper.stale)

    def _copy(self, asked: Asked, held: Held) -> _Copy | None:
        if self._version is not held.picture:  # what is on the page no more must not be kept for ever
            self._version, self._copies, self._rendering = held.picture, {}, {}
        copy = self._copies.get(asked)
        if copy is not None and self._is_good(copy, held):
            return copy
        lock = self._rendering.setdefault(asked, Lock())
        if not lock.acquire(blocking=copy is None):
            return copy
        try:
            made = self._copies.get(asked)
            if made is not None and made is not copy and self._is_good(made, held):
                return made
            return self._render(asked, held)
        finally:
            lock.release()

    def _is_good(self, copy: _Copy, held: Held) -> bool:
        return (
            copy.held.picture is held.picture
            and copy.stale == self.keeper.stale
            and time.monotonic() - copy.made_at < FRESH
        )

    def _render(self, asked: Asked, held: Held) -> _Copy | None:
        seen = self._seen(held)
        plain = render(asked, seen)
        if plain is None:
            self._rendering.pop(asked, None)
            return None
        etag = f'"{hashlib.blake2b(plain, digest_size=12).hexdigest()}"'
        copy = _Copy(held, seen.stale, time.monotonic(), etag, plain, gzip.compress(plain, 6, mtime=0))
        self._copies[asked] = copy
        return copy


def language(request: Request) -> str:
    """What `?lang=` says, else what the browser likes best of what there is."""
    if "lang=" in request.query:
        asked = parse_qs(request.query).get("lang", [""])[0]
        if asked in LANGUAGES:
            return asked
    return _liked(request.languages)


@lru_cache(maxsize=1000)
def _liked(accepted: str) -> str:
    for code, _ in parse_accept_lang_header(accepted):
        if (found := code.partition("-")[0]) in LANGUAGES:
            return found
    return FIRST


def _answer(request: Request, kind: str, copy: _Copy) -> Answer:
    vary = "Accept-Encoding" if kind == JSON or "lang=" in request.query else "Accept-Encoding, Accept-Language"
    headers: Headers = [
        ("ETag", copy.etag),
        ("Cache-Control", f"public, max-age={MAX_AGE}, stale-if-error=86400"),
        ("Vary", vary),
    ]
    if kind == JSON:
        headers.append(("Access-Control-Allow-Origin", "*"))
    if copy.etag in request.etags or request.etags.strip() == "*":
        return 304, headers, b""
    headers += [("Content-Type", kind if kind == JSON else f"{kind}; charset=utf-8"), *SAFE]
    if not takes_gzip(request.encodings):
        return 200, headers, copy.plain
    headers.append(("Content-Encoding", "gzip"))
    return 200, headers, copy.packed


def takes_gzip(accepted: str) -> bool:
    """Whether the client reads gzip."""
    for offer in accepted.lower().split(","):
        name, _, quality = offer.partition(";")
        if name.strip() in ("gzip", "*"):
            return quality.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False


def _nothing_yet() -> Answer:
    """Neither the database nor the disk has told anything since this process began."""
    body = (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>Status</title>'
        "<p>The status page cannot be shown right now. Please try again in a minute.</p>"
        '<p lang="de">Die Statusseite kann gerade nicht gezeigt werden. Bitte in einer Minute noch einmal.</p></html>'
    )
    headers = [("Content-Type", f"{HTML}; charset=utf-8"), ("Retry-After", "30"), ("Cache-Control", "no-store"), *SAFE]
    return 503, headers, body.encode()
