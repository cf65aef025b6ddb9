"""Counting in memory: nothing is lost, nothing grows without end."""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flags.domain.usage import MOST_UNKNOWN, NOT_FOUND, OTHER_UNKNOWN, Answer, Backlog, Tally, folded, slot

NOON = datetime(2025, 8, 11, 12, 2, 3, tzinfo=UTC)
ON = Answer("melt", "on", "SPLIT")


def unknown(number: int) -> Answer:
    return Answer(f"typo{number}", "", NOT_FOUND)


@given(st.lists(st.integers(0, 5), max_size=20))
def test_a_tally_gives_each_hit_once(rounds: list[int]) -> None:
    tally = Tally()
    taken = []
    for hits in rounds:
        for _ in range(hits):
            tally.hit()
        taken.append(tally.take())
    assert taken == rounds


def test_no_hit_of_many_threads_is_lost_while_another_takes() -> None:
    tally, threads, hits = Tally(), 8, 20_000
    done = threading.Event()

    def hit() -> None:
        for _ in range(hits):
            tally.hit()

    def take() -> int:
        taken = 0
        while not done.is_set():
            taken += tally.take()
        return taken + tally.take()

    with ThreadPoolExecutor(threads + 1) as pool:
        taken = pool.submit(take)
        for each in [pool.submit(hit) for _ in range(threads)]:
            each.result()
        done.set()
        assert taken.result() == threads * hits


@pytest.mark.parametrize(
    ("minute", "second", "start"), [(0, 0, 0), (4, 59, 0), (5, 0, 5), (59, 59, 55)], ids=lambda value: str(value)
)
def test_a_slot_has_five_minutes(minute: int, second: int, start: int) -> None:
    moment = datetime(2025, 8, 11, 12, minute, second, 999, tzinfo=UTC)
    assert slot(moment) == datetime(2025, 8, 11, 12, start, tzinfo=UTC)


@pytest.mark.parametrize("more", [-1, 0, 1, 500])
def test_so_many_misspelt_flags_are_told_apart(more: int) -> None:
    counts = Counter({ON: 7, **{unknown(number): 2 for number in range(MOST_UNKNOWN + more)}})
    kept = folded(counts)
    assert kept.total() == counts.total()
    assert kept[ON] == 7
    assert sum(answer.reason == NOT_FOUND for answer in kept) == min(MOST_UNKNOWN, MOST_UNKNOWN + more)
    assert (OTHER_UNKNOWN in kept) == (more > 0)


@given(st.lists(st.tuples(st.integers(0, 300), st.sampled_from(["production", "staging"])), max_size=60))
def test_a_backlog_keeps_every_count_in_a_few_slots(asked: list[tuple[int, str]]) -> None:
    backlog = Backlog(most_slots=3)
    for minutes, environment in asked:
        backlog.add(NOON + timedelta(minutes=minutes), {environment: Counter({ON: 1})})
    waiting = backlog.waiting()
    assert sum(counts.total() for _, _, counts in waiting) == len(asked)
    assert len({at for at, _, _ in waiting}) <= 3
    assert [at for at, _, _ in waiting] == sorted(at for at, _, _ in waiting)
    if asked:
        assert waiting[-1][0] == slot(NOON + timedelta(minutes=max(minutes for minutes, _ in asked)))


def test_what_is_stored_is_gone() -> None:
    backlog = Backlog()
    backlog.add(NOON, {"production": Counter({ON: 1}), "staging": Counter()})
    [(at, environment, counts)] = backlog.waiting()
    assert (at, environment, counts) == (slot(NOON), "production", Counter({ON: 1}))
    backlog.done(at, environment)
    assert backlog.waiting() == []
