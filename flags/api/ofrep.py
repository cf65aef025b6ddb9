"""The OFREP door: a bare WSGI callable that answers from memory, in front of Django.

It implements OpenFeature's remote evaluation protocol 0.3 (docs/adr/0003-flag-protocol.md): one flag, and all flags
with ETag. Nothing here touches the database or Redis.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, Any

import orjson

from core.errors import NotFound
from flags.api.bare import STATUS, Answer, Headers, Refusal, admitted, heard_of, token_text
from flags.api.counting import Counting
from flags.api.event_streams import EventStreams
from flags.api.ofrep_bodies import Bodies, failure
from flags.domain.conditions import Context
from flags.domain.keys import KEY_HELP, is_key
from flags.domain.limit import MinuteLimit
from flags.services.catching_up import CatchUp
from flags.services.holding import Held, Holder
from flags.services.tokens import Scope

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

ROOT = "/ofrep/"
_ALL = "/ofrep/v1/evaluate/flags"
_ONE = f"{_ALL}/"
MAX_BODY = 64 * 1024
_OPENED_BY = frozenset({Scope.EVALUATE})
_JSON = ("Content-Type", "application/json")
_EXPOSED = ("Access-Control-Expose-Headers", "ETag, Retry-After")
_PREFLIGHT = [
    ("Access-Control-Allow-Methods", "POST, OPTIONS"),
    ("Access-Control-Allow-Headers", "authorization, x-api-key, content-type, if-none-match"),
    ("Access-Control-Max-Age", "600"),
]
log = logging.getLogger(__name__)


class OfrepDoor:
    """Answers everything below `/ofrep/`. With `streams`, answers with all flags tell where news is heard."""

    def __init__(
        self,
        holder: Holder,
        *,
        limit: MinuteLimit,
        origins: Collection[str],
        counting: Counting,
        streams: EventStreams | None = None,
    ) -> None:
        self._holder = holder
        self._catch_up = CatchUp(holder)
        self._limit = limit
        self._origins = frozenset(origins)
        self._counting = counting
        self._streams = streams
        self._bodies: dict[str, Bodies] = {}

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        key = _readable(path[len(_ONE) :]) if path.startswith(_ONE) else None
        try:
            if key is None and path != _ALL:
                raise Refusal(404, f"There is nothing at {_readable(path)}; flags are evaluated at {_ALL}.")
            status, headers, body = self._answer(environ, key)
        except Refusal as refusal:
            status, headers = refusal.status, [_JSON, *refusal.headers]
            body = orjson.dumps(failure(refusal.code, refusal.details, key))
        except Exception:
            log.exception("an evaluation failed")
            status, headers = 500, [_JSON]
            body = orjson.dumps(failure("GENERAL", "The evaluation failed; it has been logged.", key))
        headers += self._cors(environ)
        if body:
            headers.append(("Content-Length", str(len(body))))
        start_response(STATUS[status], headers)
        return [body]

    def _answer(self, environ: WSGIEnvironment, key: str | None) -> Answer:
        method = environ["REQUEST_METHOD"]
        if method == "OPTIONS":
            return 204, list(_PREFLIGHT), b""
        if method != "POST":
            raise Refusal(405, f"Flags are evaluated by POST, not {method}.", ("Allow", "POST, OPTIONS"))
        self._holder.start()
        held = self._holder.held
        text = token_text(environ.get("HTTP_AUTHORIZATION", ""), environ.get("HTTP_X_API_KEY", ""))
        token = admitted(text, held, _OPENED_BY, self._limit)
        unit, context = _asked(_body(environ))
        if key is None and (version := heard_of(environ.get("QUERY_STRING", ""))):
            held = self._catch_up.held(token.environment, version)
        bodies = self._bodies_of(held, token.environment)
        if unit:
            bodies.counted.see(unit)
        if key is not None:
            return _one(bodies, key, unit, context)
        end = None if self._streams is None else self._streams.of(token)
        return _all(bodies, unit, context, environ.get("HTTP_IF_NONE_MATCH"), end)

    def _bodies_of(self, held: Held, environment: str) -> Bodies:
        snapshot = held.snapshots[environment]
        bodies = self._bodies.get(environment)
        if bodies is None or bodies.snapshot is not snapshot:
            bodies = self._bodies[environment] = Bodies(snapshot, self._counting)
        return bodies

    def _cors(self, environ: WSGIEnvironment) -> Headers:
        if "*" in self._origins:
            return [("Access-Control-Allow-Origin", "*"), _EXPOSED]
        origin = environ.get("HTTP_ORIGIN")
        if origin in self._origins:
            return [("Access-Control-Allow-Origin", origin), _EXPOSED, ("Vary", "Origin")]
        return [("Vary", "Origin")]


def _one(bodies: Bodies, key: str, unit: str, context: Context) -> Answer:
    try:
        body, failed = bodies.one(key, unit, context)
    except NotFound as error:
        bodies.counted.unknown(key)
        details = str(error) if is_key(key) else KEY_HELP
        raise Refusal(404, details, code="FLAG_NOT_FOUND") from None
    return (400 if failed else 200), [_JSON], body


def _all(bodies: Bodies, unit: str, context: Context, seen: str | None, end: tuple[bytes, str] | None) -> Answer:
    """`end` takes the place of the body's last brace and the ETag's last quote."""
    body, etag = bodies.all(unit, context)
    etag = etag if end is None else etag[:-1] + end[1]
    if seen is not None and etag in seen:  # an ETag of ours, also where a proxy made it weak (W/) or listed several
        return 304, [("ETag", etag)], b""
    return 200, [_JSON, ("ETag", etag)], body if end is None else body[:-1] + end[0]


def _body(environ: WSGIEnvironment) -> bytes:
    """The request's body, also a chunked one. 413 beyond 64 KiB, 415 when it is not declared as JSON."""
    kind = environ.get("CONTENT_TYPE", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise Refusal(415, f"Send the context as application/json, not {kind or 'without a content type'}.")
    try:
        length = int(environ.get("CONTENT_LENGTH") or -1)
    except ValueError:
        raise Refusal(400, "Content-Length is no number.", code="PARSE_ERROR") from None
    if length < 0:
        length = MAX_BODY + 1 if environ.get("wsgi.input_terminated") else 0
    elif length > MAX_BODY:
        raise _too_large()
    body: bytes = environ["wsgi.input"].read(length) if length else b""
    if len(body) > MAX_BODY:
        raise _too_large()
    return body


def _too_large() -> Refusal:
    return Refusal(413, f"A request has at most {MAX_BODY} bytes.")


def _asked(body: bytes) -> tuple[str, Context]:
    """The targeting key, empty when there is none, and the whole context."""
    request = _json(body)
    if not isinstance(request, dict):
        raise Refusal(400, 'Send an object, for example {"context":{"targetingKey":"npub1…"}}.', code="PARSE_ERROR")
    context = request.get("context", {})
    if not isinstance(context, dict):
        raise Refusal(400, "`context` must be an object.", code="INVALID_CONTEXT")
    unit = context.get("targetingKey")
    if unit is not None and not isinstance(unit, str):
        raise Refusal(400, "`context.targetingKey` must be a text.", code="INVALID_CONTEXT")
    return unit or "", context


def _json(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        if b"\\ud" in body.lower():  # half of a surrogate pair, which JavaScript sends and orjson refuses
            try:
                return json.loads(body)
            except (ValueError, RecursionError):
                pass
        raise Refusal(400, f"The body is not JSON: {error}.", code="PARSE_ERROR") from None


def _readable(path: str) -> str:
    """WSGI hands on the path's bytes as Latin-1."""
    return path.encode("latin-1", "replace").decode("utf-8", "replace")[:200]
