"""`GET /api/v1/snapshot` as client libraries need it, asked as a bare WSGI callable."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any
from wsgiref.util import setup_testing_defaults

import pytest

from core.tokens import digest
from flags.api.snapshot import PATH, SnapshotDoor
from flags.domain import document
from flags.domain.bucketing import Bucketing
from flags.domain.configuration import EnvironmentConfig, FlagConfig, SegmentConfig, TokenConfig
from flags.domain.limit import MinuteLimit
from flags.domain.values import ValueType
from flags.services.holding import Held, Holder, Source

LONG = frozenset(f"npub{number}" for number in range(2_000))
CONFIG = EnvironmentConfig(
    "pre-production",
    42,
    "2025-08-11T09:00:00+00:00",
    (
        FlagConfig("melt", enabled=True, percentage=Decimal("25"), allowed=frozenset({"npub2", "npub1"})),
        FlagConfig("salted", Bucketing.MURMUR3, "s", percentage=Decimal("12.50"), parameters={"limit": [1, None]}),
        FlagConfig("listed", allowed=LONG, denied=frozenset({"npub3"})),
        FlagConfig(
            "banner",
            value_type=ValueType.NUMBER,
            variants={"small": 1, "large": 2.5},
            targeting={
                "prerequisites": [{"flag": "melt", "variants": ["on"]}],
                "rules": [{"name": "EU", "when": [{"segment": "beta"}], "percentage": 50}],
                "serve": [["small", 40], ["large", 60]],
            },
        ),
    ),
    tuple(TokenConfig(digest(name), name, "pre-production", frozenset({name})) for name in ("snapshot", "evaluate")),
    (SegmentConfig("beta", ({"attribute": "plan", "op": "equals", "values": ["beta"]},)),),
)


class StillHolder(Holder):
    """Holds what the test gave it."""

    def start(self) -> None:
        pass


def holding(config: EnvironmentConfig) -> Held:
    return Held().with_news(Source.DATABASE, {config.environment: config}, [config.environment])


@pytest.fixture
def still(make_holder: Callable[..., Holder]) -> Holder:
    holder = make_holder()
    holder.__class__ = StillHolder
    holder.held = holding(CONFIG)
    return holder


@pytest.fixture
def door(still: Holder) -> SnapshotDoor:
    return SnapshotDoor(still, limit=MinuteLimit(100))


def ask(door: SnapshotDoor, token: str = "snapshot", method: str = "GET", **environ: str) -> tuple[int, Any, bytes]:
    environ = {"PATH_INFO": PATH, "REQUEST_METHOD": method, "HTTP_AUTHORIZATION": f"Bearer {token}", **environ}
    setup_testing_defaults(environ)
    told: list[Any] = []
    body = b"".join(door(environ, lambda status, headers: told.extend((int(status[:3]), dict(headers)))))  # type: ignore[arg-type]
    return told[0], told[1], body


def test_the_document_tells_all_that_decides(door: SnapshotDoor) -> None:
    status, headers, body = ask(door)
    told = json.loads(body)
    assert (status, headers["Content-Type"]) == (200, "application/json")
    assert {name: told[name] for name in ("format", "environment", "version", "changedAt")} == {
        "format": 1,
        "environment": "pre-production",
        "version": 42,
        "changedAt": "2025-08-11T09:00:00+00:00",
    }
    melt, salted, listed, _ = told["flags"]
    assert (melt["key"], melt["bucketing"], melt["enabled"], melt["percentage"]) == ("melt", "js31", True, 25)
    assert melt["allow"] == ["npub1", "npub2"]
    assert (salted["bucketing"], salted["salt"], salted["percentage"]) == ("murmur3", "s", 12.5)
    assert salted["parameters"] == {"limit": [1, None]}
    assert (listed["allow"], listed["deny"]) == (sorted(LONG), ["npub3"])


def test_targeting_is_told_with_all_that_was_left_out(door: SnapshotDoor) -> None:
    told = json.loads(ask(door)[2])
    split = [["small", 40], ["large", 60]]
    assert told["segments"] == {"beta": [{"attribute": "plan", "op": "equals", "values": ["beta"]}]}
    assert told["flags"][3] == {
        "key": "banner",
        "type": "number",
        "enabled": False,
        "bucketing": "js31",
        "salt": "",
        "percentage": 0,
        "variants": {"small": 1.0, "large": 2.5},
        "serve": split,
        "off": "large",
        "prerequisites": [{"flag": "melt", "variants": ["on"]}],
        "rules": [{"name": "EU", "when": [{"segment": "beta"}], "percentage": 50, "serve": split}],
        "parameters": {},
        "allow": [],
        "deny": [],
    }


def test_gzip_holds_the_same(door: SnapshotDoor) -> None:
    _, headers, packed = ask(door, HTTP_ACCEPT_ENCODING="br, gzip")
    assert headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed) == ask(door)[2]
    assert "Content-Encoding" not in ask(door, HTTP_ACCEPT_ENCODING="gzip;q=0")[1]


def test_a_client_that_has_this_version_gets_no_body(door: SnapshotDoor, still: Holder) -> None:
    tag = ask(door)[1]["ETag"]
    assert tag.startswith('"pre-production-42-')
    for sent in (tag, f"W/{tag}", f'"other", {tag}'):
        status, headers, body = ask(door, HTTP_IF_NONE_MATCH=sent)
        assert (status, headers["ETag"], body) == (304, tag, b"")
    still.held = holding(replace(CONFIG, version=43))
    assert ask(door, HTTP_IF_NONE_MATCH=tag)[0] == 200


def test_a_restored_database_that_counts_up_to_the_same_version_is_news(door: SnapshotDoor, still: Holder) -> None:
    tag = ask(door)[1]["ETag"]
    still.held = holding(replace(CONFIG, changed_at="2025-08-12T09:00:00+00:00"))
    assert ask(door, HTTP_IF_NONE_MATCH=tag)[0] == 200


def test_head_tells_the_length_and_sends_nothing(door: SnapshotDoor) -> None:
    status, headers, body = ask(door, method="HEAD")
    assert (status, body) == (200, b"")
    assert int(headers["Content-Length"]) == len(ask(door)[2])


@pytest.mark.parametrize(
    ("token", "method", "status", "words"),
    [
        ("nobody", "GET", 401, "Send a live token"),
        ("evaluate", "GET", 403, "lacks the scope snapshot"),
        ("snapshot", "POST", 405, "read by GET, not POST"),
    ],
)
def test_a_refusal_is_a_problem(door: SnapshotDoor, token: str, method: str, status: int, words: str) -> None:
    found, headers, body = ask(door, token, method)
    assert (found, headers["Content-Type"]) == (status, "application/problem+json")
    assert json.loads(body)["status"] == status
    assert words in json.loads(body)["detail"]


def test_beyond_its_minute_a_token_must_wait(still: Holder) -> None:
    door = SnapshotDoor(still, limit=MinuteLimit(1))
    assert ask(door)[0] == 200
    status, headers, _ = ask(door)
    assert status == 429
    assert 1 <= int(headers["Retry-After"]) <= 60


def test_without_any_configuration_it_asks_to_come_back(door: SnapshotDoor, still: Holder) -> None:
    still.held = Held()
    status, headers, _ = ask(door)
    assert (status, headers["Retry-After"]) == (503, "5")


def test_one_version_is_rendered_once(door: SnapshotDoor) -> None:
    assert ask(door)[2] is not None
    page = door._pages["pre-production"]
    ask(door)
    assert door._pages["pre-production"] is page


def test_a_new_version_renders_only_what_changed(door: SnapshotDoor, still: Holder) -> None:
    ask(door)
    old = door._pages["pre-production"].flags
    still.held = holding(
        replace(CONFIG, version=43, flags=(replace(CONFIG.flags[0], enabled=False), *CONFIG.flags[1:]))
    )
    told = json.loads(ask(door)[2])
    new = door._pages["pre-production"].flags
    assert (told["version"], told["flags"][0]["enabled"]) == (43, False)
    assert [key for key in new if new[key] is not old[key]] == ["melt"]


@pytest.mark.parametrize(
    ("tag", "version"),
    [
        (document.etag(CONFIG), 42),
        (f"W/{document.etag(CONFIG)}", 42),
        ("pre-production-7-0a0a0a0a", 7),
        ('"0123abcd"', None),
        ("a-b-c", None),
        ("a-٣-c", None),
        ("", None),
    ],
)
def test_the_version_is_read_back_from_an_etag(tag: str, version: int | None) -> None:
    assert document.version_of(tag) == version
