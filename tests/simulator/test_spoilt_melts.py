"""The simulator's atomic melts under our own validation: whole, mixed with legacy ones and forgotten, or spoilt."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from core import environments
from flags.models import Flag
from rollouts.domain.validation import Result, Subject
from rollouts.services import validation_atomic
from simulator import plan
from simulator.evaluation import Features
from simulator.faults import BadFault, Fault, Kind
from simulator.ledger import Ledger
from simulator.metrics import Tally
from simulator.plan import ATOMIC, PREFLIGHT
from simulator.player import Player
from tests.migrations_app.conftest import connected

WALLETS = plan.wallets(7)[:2]
Play = Callable[..., Result]


class Answers:
    """Both flags' answers without a server: every third melt is left to the legacy path."""

    asked = 0

    def features(self, npub: str) -> Features:
        self.asked += 1
        return Features(on=frozenset({ATOMIC} if self.asked % 3 else ()), parameters={})


@pytest.fixture
def play(db: None, flag: Flag, mongodb_url: str, mongodb_name: str) -> Iterator[Play]:
    """Play 50 melts of two wallets with these faults, and validate what they left."""
    with connected(mongodb_url, mongodb_name):
        ledger = Ledger(mongodb_url, mongodb_name)
        ledger.open(WALLETS)

        def play_and_check(*faults: Fault) -> Result:
            answers: Any = Answers()
            player = Player(answers, ledger, Tally(), clock=lambda: 0.0)
            player.faults = faults
            for number in range(50):
                player.play(
                    replace(plan.melt(7, number), wallet=WALLETS[number % 2], trouble="", luck=number % 10 * 10)
                )
            now = datetime.now(UTC) + timedelta(seconds=1)
            subject = Subject("production", environments.get("production").pk, 1, now)
            return validation_atomic.check(subject, pause=lambda seconds: None)

        yield play_and_check
        ledger.close()


def told(result: Result) -> dict[str, str]:
    return {each.name: each.value for each in result.evidence}


def test_melts_are_whole_also_after_the_oldest_were_forgotten(play: Play) -> None:
    result = play()
    assert result.success, result
    assert 4 <= int(told(result)["successfulOperations"]) < 34


def test_a_fault_that_spends_tokens_twice_is_found_by_validation_alone(play: Play) -> None:
    result = play(Fault(Kind.DOUBLE, ATOMIC, 50))
    assert result.success is False
    assert told(result)["doubleCountingPrevented"].startswith("no: in ")
    assert "as well" in str(result.evidence)


def test_a_fault_that_loses_change_is_found_and_is_no_double_counting(play: Play) -> None:
    result = play(Fault(Kind.LOSS, ATOMIC, 50))
    assert (result.success, told(result)["doubleCountingPrevented"]) == (False, "yes")
    assert "are lost" in str(result.evidence)


def test_only_atomic_melts_can_be_spoilt() -> None:
    with pytest.raises(BadFault, match="its flag is atomicMeltOperations"):
        Fault(Kind.DOUBLE, PREFLIGHT, 50)
