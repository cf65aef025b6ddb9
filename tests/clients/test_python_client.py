"""The Python client against a server that does everything wrong: there is always an answer."""

from __future__ import annotations

import json
import logging
import time
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from nctool_flags import BadDocument, Evaluator, Flags

from tests.clients.conftest import Make
from tests.clients.misbehaving import FAULTS, TOKEN, Server, document, flag, patience, status, until


@pytest.mark.parametrize("name", FAULTS)
def test_the_last_flags_stay_through_a_fault_and_it_recovers(name: str, server: Server, make: Make) -> None:
    server.publish(5, flag("melt"))
    flags = make(timeout=patience(name))
    assert flags.is_on("melt", "user-1")

    server.fault, seen = FAULTS[name], len(server.polls)
    until(lambda: flags.status().problem)
    assert len(server.polls) > seen
    assert flags.is_on("melt", "user-1")
    assert (flags.version, flags.status().source) == (5, "server")

    server.publish(6, flag("melt", enabled=False))
    server.fault = None
    until(lambda: flags.version == 6)
    assert not flags.is_on("melt", "user-1")
    until(lambda: not flags.status().problem)


@pytest.mark.parametrize("name", [name for name in FAULTS if name != "an older version"])
def test_a_start_into_a_fault_answers_from_the_copy_or_by_default(
    name: str, server: Server, make: Make, tmp_path: Path
) -> None:
    make().close()
    server.fault = FAULTS[name]

    bare = make(copy=tmp_path / "other.json", wait=0.1, timeout=patience(name))
    assert bare.is_on("melt", "user-1", default=True) is True
    assert bare.is_on("melt", "user-1") is False
    assert bare.why("melt", "user-1", "mine")[:2] == ("melt", "mine")
    assert bare.why("melt").error_code == "PROVIDER_NOT_READY"

    copied = make(wait=0.1, timeout=patience(name))
    assert copied.is_on("melt", "user-1")
    assert copied.status().source == "disk"


def test_a_start_without_a_server_takes_no_longer_than_it_may_wait(server: Server, make: Make) -> None:
    server.fault = FAULTS["silence"]
    began = time.monotonic()
    flags = make(wait=0.2, timeout=5)
    assert time.monotonic() - began < 4
    assert flags.status().age is None


@pytest.mark.parametrize("code", [401, 403])
def test_a_refused_token_is_told_once_and_polled_slowly(
    code: int, server: Server, make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    flags = make()
    server.fault, seen = status(code), len(server.polls)
    until(lambda: len(server.polls) > seen)
    time.sleep(0.5)
    assert len(server.polls) == seen + 1
    assert flags.is_on("melt", "user-1")
    assert [record.message for record in caplog.records if str(code) in record.message] == [flags_refused(code)]


def flags_refused(code: int) -> str:
    return f"flags: the server refuses the token ({code}); the last flags stay"


def test_a_fault_that_lasts_is_told_once(server: Server, make: Make, caplog: pytest.LogCaptureFixture) -> None:
    make()
    server.fault, seen = status(500), len(server.polls)
    until(lambda: len(server.polls) > seen + 3)
    assert len([record for record in caplog.records if record.levelno >= logging.WARNING]) == 1


@pytest.mark.parametrize("code", [429, 503])
def test_retry_after_is_obeyed(code: int, server: Server, make: Make) -> None:
    flags = make()
    server.fault, seen = status(code, Retry_After="1"), len(server.polls)
    until(lambda: len(server.polls) > seen)
    flags._news(99, "")  # not even news makes it come earlier
    until(lambda: len(server.polls) > seen + 1)
    assert server.polls[seen + 1] - server.polls[seen] >= 1
    assert flags.is_on("melt", "user-1")


def test_a_retry_after_that_is_a_date_is_read_by_the_servers_clock(server: Server, make: Make) -> None:
    """One of the two clocks is a year off; what counts is the second between the dates."""
    then, later = (datetime(2025, 3, 1, 12, 0, second, tzinfo=UTC) for second in (0, 1))

    def busy(handler: Any) -> None:
        handler.date_time_string = lambda: format_datetime(then, usegmt=True)
        handler.answer(429, Retry_After=format_datetime(later, usegmt=True))

    make()
    server.fault, seen = busy, len(server.polls)
    until(lambda: len(server.polls) > seen + 1)
    assert 0.9 < server.polls[seen + 1] - server.polls[seen] < 5


def test_an_older_version_counts_when_it_is_newer_by_time_or_stays(server: Server, make: Make) -> None:
    server.publish(40, flag("melt"))
    flags = make()
    server.publish(38, flag("melt", enabled=False), changedAt="2026-02-01T00:00:00+00:00")  # a restored database
    until(lambda: flags.version == 38)
    assert not flags.is_on("melt", "user-1")

    server.publish(37, flag("melt"), changedAt="2026-01-31T00:00:00+00:00")
    until(lambda: flags.version == 37)  # all answers of a while say so
    assert flags.is_on("melt", "user-1")


def test_what_else_a_version_of_the_same_number_says_is_taken(server: Server, make: Make) -> None:
    rule = {"name": "beta", "when": [{"segment": "beta"}], "percentage": 100, "serve": "on"}
    beta = flag("melt", percentage=0, rules=[rule])
    pro = {"attribute": "plan", "op": "equals", "values": ["pro"]}
    server.publish(5, beta, segments={"beta": [pro]})
    flags = make()
    assert flags.is_on("melt", {"plan": "pro"})
    server.publish(5, beta, segments={"beta": [{**pro, "values": ["free"]}]}, changedAt="2026-03-01T00:00:00+00:00")
    server.etag = "restored"
    until(lambda: not flags.is_on("melt", {"plan": "pro"}))


def test_a_copy_is_private_and_whole_and_a_damaged_one_is_ignored(
    server: Server, make: Make, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    copy = tmp_path / "deep" / "copy.json"
    make(copy=copy)
    until(copy.exists)
    assert copy.stat().st_mode & 0o777 == 0o600
    assert json.loads(copy.read_bytes()) == server.document
    assert list(copy.parent.iterdir()) == [copy]

    copy.write_bytes(copy.read_bytes()[:-7])
    server.fault = FAULTS["a closed connection"]
    flags = make(copy=copy, wait=0)
    assert flags.is_on("melt", "user-1", default=True) is True
    assert [record.message for record in caplog.records if "on disk" in record.message] != []
    server.fault = None
    until(lambda: copy.read_bytes() == json.dumps(server.document).encode())


def test_a_disk_that_refuses_stops_nothing(
    make: Make, tmp_path: Path, server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    flags = make(copy=blocked / "copy.json")
    for version in (2, 3):
        server.publish(version, flag("melt"))
        until(lambda expected=version: flags.version == expected)
    assert flags.is_on("melt", "user-1")
    assert len([record for record in caplog.records if "no copy of the flags" in record.message]) == 1


def test_the_stream_brings_a_change_at_once_and_polling_survives_it(server: Server, make: Make) -> None:
    server.has_stream = True
    flags = make(stream=True, poll_seconds=60)
    until(lambda: flags.status().streaming)
    server.say(b'event: message\ndata: {"type": "somethingElse"}\n\n: comment\n\n')
    server.publish(2, flag("melt", enabled=False))
    server.announce()
    until(lambda: flags.version == 2)

    server.say(b"data: no JSON\n\n")
    until(lambda: not flags.status().streaming)
    assert not flags.is_on("melt", "user-1")
    server.publish(3, flag("melt"))
    until(lambda: flags.version == 3)  # it connects again, and asks what it has missed

    server.has_stream = False
    server.say(None)
    until(lambda: not flags.status().streaming)
    assert flags.is_on("melt", "user-1")


@pytest.mark.parametrize(
    "name", ["404", "503", "a redirect", "a body that breaks off", "a closed connection", "no HTTP"]
)
def test_a_stream_that_cannot_be_had_leaves_polling_alone(name: str, server: Server, make: Make) -> None:
    server.has_stream, server.stream_fault = True, FAULTS[name]
    flags = make(stream=True)
    until(lambda: server.stream_tries)
    server.publish(2, flag("melt", enabled=False))
    until(lambda: flags.version == 2)
    until(lambda: not flags.status().streaming)
    assert flags.status().problem == ""


def test_news_are_followed_until_a_lagging_process_has_caught_up(server: Server, make: Make) -> None:
    server.has_stream = True
    flags = make(stream=True, poll_seconds=60)
    until(lambda: flags.status().streaming)
    held = server.document
    server.publish(2, flag("melt", enabled=False))
    server.announce()
    server.document, seen = held, len(server.polls)
    until(lambda: len(server.polls) >= seen + 2)
    server.publish(2, flag("melt", enabled=False))
    until(lambda: flags.version == 2)
    assert flags.status().streaming


@pytest.mark.parametrize(
    ("url", "token", "told"),
    [
        ("rollout.example.org", TOKEN, {}),
        ("ftp://rollout.example.org", TOKEN, {}),
        ("http://127.0.0.1:9", "", {}),
        ("http://127.0.0.1:9", "a\nb", {}),
        ("http://127.0.0.1:9", TOKEN, {"poll_seconds": 0}),
        ("http://127.0.0.1:9", TOKEN, {"stream": "no url"}),
    ],
)
def test_settings_that_cannot_be_are_refused_at_once(url: str, token: str, told: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"URL|token|seconds"):
        Flags(url, token, keep_copy=False, **told)


@pytest.mark.parametrize("context", [5, ["npub1"], {"targetingKey": 5}, {"targetingKey": ["a"]}, object(), b"npub1"])
def test_a_context_that_is_none_gets_the_default(context: Any) -> None:
    flags = Evaluator(document(1, flag("melt")))
    assert flags.is_on("melt", context) is False
    assert flags.is_on("melt", context, default=True) is True
    assert flags.value("melt", context, "mine") == "mine"
    assert flags.why("melt", context, "mine")[:2] == ("melt", "mine")
    assert flags.why("melt", context).error_code == "INVALID_CONTEXT"


def test_a_value_of_another_type_than_the_default_is_not_given() -> None:
    colours = flag("colour", type="string", variants={"a": "red", "b": "blue"}, serve="a", off="b")
    flags = Evaluator(document(1, colours))
    assert flags.value("colour", "npub1", "none") == "red"
    assert flags.value("colour", "npub1") == "red"
    assert flags.value("colour", "npub1", 5) == 5
    assert flags.why("colour", "npub1", True).error_code == "TYPE_MISMATCH"
    assert flags.why("colour", "npub1", {}).error_code == "TYPE_MISMATCH"
    assert flags.is_on("colour", "npub1")  # it is not at its off variant
    assert flags.why("nosuch", "npub1").error_code == "FLAG_NOT_FOUND"


def test_a_document_for_tests_is_checked() -> None:
    with pytest.raises(BadDocument, match="format"):
        Evaluator({"format": 7})


def test_many_units_take_bounded_memory() -> None:
    flags = Evaluator(document(1, flag("melt", percentage=50)))
    for number in range(45_000):
        flags.is_on("melt", f"npub{number}")
    flags.is_on("melt", "x" * 10_000)
    assert len(flags._memo) <= 20_000
    assert len(flags._units.take_fresh()) == 1_000


@pytest.mark.parametrize("years", [-1, 1])
def test_the_wall_clock_does_not_matter(
    years: int, server: Server, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    flags, wall = make(), time.time
    monkeypatch.setattr(time, "time", lambda: wall() + years * 365 * 86_400)
    server.publish(2, flag("melt", enabled=False))
    until(lambda: flags.version == 2)
    seen = len(server.polls)
    time.sleep(0.3)
    assert 1 <= len(server.polls) - seen < 15  # neither silence nor a storm of polls that seem overdue
    assert (flags.status().age or 0) < 10
