from __future__ import annotations

import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
import redis

from reports.adapters.probes import Answer, Probe
from reports.domain.health import DUTIES, RUNNER, Condition, duties


@pytest.mark.parametrize("duty", [*DUTIES, RUNNER], ids=lambda duty: duty.beat)
def test_silence_is_loud_only_after_the_patience_of_the_part(duty, now: datetime) -> None:  # type: ignore[no-untyped-def]
    def condition(age: timedelta | None) -> Condition:
        beats = {} if age is None else {duty.beat: now - age}
        return next(part for part in duties(beats, now=now, runner=True) if part.name == duty.name).condition

    second = timedelta(seconds=1)
    assert condition(None) is Condition.NEVER
    assert condition(duty.patience) is Condition.OK
    assert condition(duty.patience + second) is Condition.STALE


def test_a_page_does_not_wait_for_a_server_that_hangs() -> None:
    release = threading.Event()
    probe = Probe(lambda: release.wait(60) and None)
    with ThreadPoolExecutor(1) as pool:
        start = time.monotonic()
        assert probe.answer(pool).ok is None
        assert probe.answer(pool).ok is None
        assert time.monotonic() - start < 30
        release.set()
        assert probe.answer(pool) == Answer(True)


def test_a_server_that_went_away_stays_down_while_it_hangs() -> None:
    asked: list[int] = []

    def ask() -> None:
        asked.append(1)
        if len(asked) == 1:
            raise redis.ConnectionError("Connection refused")
        time.sleep(1)

    probe = Probe(ask)
    with ThreadPoolExecutor(1) as pool:
        assert probe.answer(pool) == Answer(False, "Connection refused")
        probe._asked_at -= 60
        assert probe.answer(pool).ok is False


def test_an_answer_is_good_for_a_while() -> None:
    asked: list[int] = []
    probe = Probe(lambda: asked.append(1))
    with ThreadPoolExecutor(1) as pool:
        answers = [probe.answer(pool) for _ in range(5)]
    assert answers == [Answer(True)] * 5
    assert len(asked) == 1


def test_a_closed_port_is_told_as_the_error_it_gives() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    probe = Probe(lambda: socket.create_connection(("127.0.0.1", port), 1).close())
    with ThreadPoolExecutor(1) as pool:
        answer = probe.answer(pool)
    assert answer.ok is False
    assert "refused" in answer.detail
