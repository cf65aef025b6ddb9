"""`GET /api/v1/snapshot`: all flags of the token's environment, for clients that decide by themselves.

A bare WSGI callable in front of Django: it goes on answering while the database and Redis are away. The format is
in docs/clients.md. The document holds allow-lists, so it needs a scope of its own.
"""

from __future__ import annotations

import gzip
import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from flags.api.bare import STATUS, Answer, Refusal, admitted, heard_of, problem, token_text
from flags.domain.configuration import EnvironmentConfig
from flags.domain.document import Pieces, document, etag, pieces
from flags.domain.limit import MinuteLimit
from flags.services.catching_up import CatchUp
from flags.services.holding import Holder
from flags.services.tokens import Scope

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

PATH = "/api/v1/snapshot"
_OPENED_BY = frozenset({Scope.SNAPSHOT})
log = logging.getLogger(__name__)


class _Page(NamedTuple):
    config: EnvironmentConfig
    flags: Pieces
    plain: bytes
    packed: bytes


class SnapshotDoor:
    """Answers `PATH`."""

    def __init__(self, holder: Holder, *, limit: MinuteLimit) -> None:
        self._holder = holder
        self._catch_up = CatchUp(holder)
        self._limit = limit
        self._pages: dict[str, _Page] = {}

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        try:
            status, headers, body = self._answer(environ)
        except Refusal as refusal:
            status, headers, body = problem(refusal)
        except Exception:
            log.exception("a snapshot failed")
            status, headers, body = problem(Refusal(500, "The snapshot failed; it has been logged."))
        if status != 304:
            headers.append(("Content-Length", str(len(body))))
        start_response(STATUS[status], headers)
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [body]

    def _answer(self, environ: WSGIEnvironment) -> Answer:
        method = environ["REQUEST_METHOD"]
        if method not in {"GET", "HEAD"}:
            raise Refusal(405, f"A snapshot is read by GET, not {method}.", ("Allow", "GET, HEAD"))
        self._holder.start()
        held = self._holder.held
        text = token_text(environ.get("HTTP_AUTHORIZATION", ""), environ.get("HTTP_X_API_KEY", ""))
        token = admitted(text, held, _OPENED_BY, self._limit)
        if version := heard_of(environ.get("QUERY_STRING", "")):
            held = self._catch_up.held(token.environment, version)
        config = held.configurations[token.environment]
        tag = etag(config)
        headers = [("ETag", tag), ("Cache-Control", "private, no-cache"), ("Vary", "Accept-Encoding")]
        if tag in environ.get("HTTP_IF_NONE_MATCH", ""):  # also where a proxy made it weak (W/) or listed several
            return 304, headers, b""
        page = self._page(config)
        headers.append(("Content-Type", "application/json"))
        if not _takes_gzip(environ.get("HTTP_ACCEPT_ENCODING", "")):
            return 200, headers, page.plain
        headers.append(("Content-Encoding", "gzip"))
        return 200, headers, page.packed

    def _page(self, config: EnvironmentConfig) -> _Page:
        """Made by the first who asks for this version. Two at once make it twice: a lock would hold evaluation up,
        which shares the threads of this process."""
        page = self._pages.get(config.environment)
        if page is None or page.config is not config:
            flags = pieces(config, page.flags if page else {})
            plain = document(config, flags)
            page = _Page(config, flags, plain, gzip.compress(plain, 5, mtime=0))
            self._pages[config.environment] = page
        return page


def _takes_gzip(accepted: str) -> bool:
    for offer in accepted.lower().split(","):
        name, _, quality = offer.partition(";")
        if name.strip() in {"gzip", "*"}:
            return quality.replace(" ", "") not in {"q=0", "q=0.0", "q=0.00", "q=0.000"}
    return False
