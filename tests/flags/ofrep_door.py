"""The OFREP door over a picture that the test gives, asked as a bare WSGI callable."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from typing import Any
from wsgiref.util import setup_testing_defaults

from core.tokens import digest
from flags.adapters.disk import DiskCopy
from flags.api.counting import Counting
from flags.api.ofrep import OfrepDoor
from flags.domain.configuration import EnvironmentConfig, FlagConfig, SegmentConfig, TokenConfig
from flags.domain.limit import MinuteLimit
from flags.services.holding import Held, Holder, Source

ALL = "/ofrep/v1/evaluate/flags"


class StillHolder(Holder):
    """Holds what the test gave it."""

    def start(self) -> None:
        pass


@dataclass
class Reply:
    status: int
    headers: dict[str, str]
    body: Any


def token(name: str, environment: str, *scopes: str) -> TokenConfig:
    return TokenConfig(digest(name), name, environment, frozenset(scopes))


def held(flags: tuple[FlagConfig, ...], *, version: int = 7, segments: tuple[SegmentConfig, ...] = ()) -> Held:
    production = EnvironmentConfig(
        "production",
        version,
        "",
        flags,
        (token("good", "production", "evaluate"), token("poor", "production", "report")),
        segments,
    )
    staging = EnvironmentConfig("staging", 1, "", (), (token("other", "staging", "evaluate"),))
    found = {"production": production, "staging": staging}
    return Held().with_news(Source.DATABASE, found, found)


def door_of(picture: Held, tmp_path: Any, *, limit: int = 10_000, origins: tuple[str, ...] = ("*",)) -> OfrepDoor:
    holder = StillHolder(DiskCopy(tmp_path / "snapshot"), poll_seconds=60)
    holder.held = picture
    return OfrepDoor(holder, limit=MinuteLimit(limit), origins=origins, counting=Counting(units=10))


def ask(
    door: OfrepDoor, path: str = ALL, body: Any = None, *, method: str = "POST", chunked: bool = False, **environ: str
) -> Reply:
    raw = body if isinstance(body, bytes) else json.dumps({"context": {}} if body is None else body).encode()
    asked: dict[str, Any] = {
        "PATH_INFO": path.encode().decode("latin-1"),
        "REQUEST_METHOD": method,
        "CONTENT_TYPE": "application/json",
        "HTTP_AUTHORIZATION": "Bearer good",
        "CONTENT_LENGTH": str(len(raw)),
        "wsgi.input": io.BytesIO(raw),
        **environ,
    }
    setup_testing_defaults(asked)
    if chunked:
        del asked["CONTENT_LENGTH"]
        asked["wsgi.input_terminated"] = True
    told: list[Any] = []
    content = b"".join(door(asked, lambda status, headers: told.extend([status, headers])))
    headers = {name.lower(): value for name, value in told[1]}
    assert len(headers) == len(told[1])
    if content:
        assert headers["content-type"] == "application/json"
        assert headers["content-length"] == str(len(content))
    return Reply(int(told[0][:3]), headers, json.loads(content) if content else None)


def unit(text: str) -> dict[str, Any]:
    return {"context": {"targetingKey": text, "plan": "pro"}}
