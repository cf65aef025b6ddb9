"""The pure parts: who melts what, when it is due, and what a fault or a discrepancy does to it."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator import faults, plan
from simulator.complaints import Complaints
from simulator.evaluation import read
from simulator.faults import BadFault, Fault, Kind
from simulator.metrics import Tally
from simulator.pace import Pace
from simulator.plan import ATOMIC, FLAGS, PREFLIGHT, Melt, Wallet
from simulator.reconciliation import Outcome, judge

GOLDEN = Melt(
    number=0,
    wallet=Wallet("npub1simwz5xwr3utkzd3jg4rpwg6pu5n4efg0mg0gnadrhu3ndlxmgl6qacewv", "https://mint.one.example"),
    amount=425,
    mint_ms=236.5,
    trouble="",
    discrepancy="",
    luck=80.01230057512761,
)
seeds = st.integers(0, 2**32)
MELT = Melt(1, Wallet("npub1sim", "https://mint.example"), 100, 250.0, "", "", luck=19.9)


@given(seed=seeds, numbers=st.lists(st.integers(0, 10**9), min_size=1, max_size=20))
def test_the_same_seed_gives_the_same_melts_in_any_order(seed: int, numbers: list[int]) -> None:
    first = {number: plan.melt(seed, number) for number in numbers}
    assert {number: plan.melt(seed, number) for number in reversed(numbers)} == first


def test_the_traffic_of_a_seed_is_the_same_for_ever() -> None:
    assert plan.melt(1, 0) == GOLDEN


def test_another_seed_gives_other_users_and_other_melts() -> None:
    assert not {wallet.npub for wallet in plan.wallets(1)} & {wallet.npub for wallet in plan.wallets(2)}
    assert plan.melt(1, 0) != plan.melt(2, 0)


@given(seed=seeds, number=st.integers(0, 10**9))
def test_a_melt_belongs_to_one_of_the_wallets_and_is_marked_as_played(seed: int, number: int) -> None:
    melt = plan.melt(seed, number)
    assert melt.wallet.npub.startswith("npub1sim")
    assert len(melt.wallet.npub) == 63
    assert 1 <= melt.amount <= 500
    assert 0 <= melt.luck <= 100
    assert 10 < melt.mint_ms < 10_000


def test_left_alone_the_traffic_stays_far_from_every_trigger() -> None:
    melts = [plan.melt(1, number) for number in range(20_000)]
    assert 0.001 < sum(bool(melt.trouble) for melt in melts) / len(melts) < 0.01
    assert not any(melt.trouble == "CRITICAL" for melt in melts)
    assert 200 < sum(melt.mint_ms for melt in melts) / len(melts) < 400


def test_a_share_of_five_percent_has_enough_users_to_be_judged() -> None:
    """The seed's hash, as nctool computes it: the wallets must not all fall on one side."""

    def bucket(npub: str) -> int:
        value = 0
        for unit in npub:
            value = (value * 31 + ord(unit) + 2**31) % 2**32 - 2**31
        return abs(value) % 100

    buckets = [bucket(wallet.npub) for wallet in plan.wallets(1)]
    assert 8 <= sum(value < 5 for value in buckets) <= 25
    assert 60 <= sum(value < 25 for value in buckets) <= 95


@given(rate=st.floats(0.5, 100), late=st.lists(st.floats(0, 0.9), min_size=5, max_size=50))
def test_the_rate_is_kept_when_melts_start_late(rate: float, late: list[float]) -> None:
    pace, now = Pace(rate, now=0.0), 0.0
    for delay in late:
        now += pace.wait(now)
        pace.taken()
        now = max(now, (now + delay) if delay < 0.5 else now)
    assert now + pace.wait(now) >= len(late) / rate - 1e-6


def test_a_pause_is_not_made_up_by_a_burst() -> None:
    pace = Pace(10, now=0.0)
    assert pace.wait(60.0) == 0.0
    pace.taken()
    assert pace.wait(60.0) == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("fault", "on", "errors", "extra_ms", "unreported"),
    [
        (Fault(Kind.ERRORS, ATOMIC, 20), {ATOMIC}, {ATOMIC: "HIGH"}, 0, False),
        (Fault(Kind.ERRORS, ATOMIC, 20, "CRITICAL"), set(FLAGS), {ATOMIC: "CRITICAL"}, 0, False),
        (Fault(Kind.ERRORS, ATOMIC, 19), {ATOMIC}, {}, 0, False),
        (Fault(Kind.ERRORS, ATOMIC, 100), {PREFLIGHT}, {}, 0, False),
        (Fault(Kind.LATENCY, PREFLIGHT, 8000), {PREFLIGHT}, {}, 8000, False),
        (Fault(Kind.LATENCY, PREFLIGHT, 8000), {ATOMIC}, {}, 0, False),
        (Fault(Kind.SILENCE, ATOMIC), {ATOMIC}, {}, 0, True),
        (Fault(Kind.SILENCE, ATOMIC), set(), {}, 0, False),
    ],
)
def test_a_fault_hits_the_melts_that_have_its_flag_on(
    fault: Fault, on: set[str], errors: dict[str, str], extra_ms: float, *, unreported: bool
) -> None:
    found = faults.harm(MELT, [fault], on)
    assert (found.errors, found.extra_ms, found.unreported) == (errors, extra_ms, unreported)


rates = {Kind.ERRORS: 100.0, Kind.LATENCY: 600_000.0, Kind.COMPLAINTS: 600.0}
some_faults = st.one_of(
    *(st.builds(Fault, st.just(kind), st.sampled_from(FLAGS), st.floats(0.01, most)) for kind, most in rates.items()),
    st.builds(Fault, st.just(Kind.SILENCE), st.sampled_from(FLAGS)),
)


@given(found=st.lists(some_faults, max_size=6))
def test_faults_come_back_from_their_file_as_they_were(
    tmp_path_factory: pytest.TempPathFactory, found: list[Fault]
) -> None:
    path = tmp_path_factory.mktemp("faults") / "deep" / "faults.json"
    faults.write(path, found)
    assert faults.read(path) == found
    assert [file.name for file in path.parent.iterdir()] == ["faults.json"]


def test_there_is_one_fault_of_each_kind_for_a_flag() -> None:
    first, second, other = (
        Fault(Kind.ERRORS, ATOMIC, 20),
        Fault(Kind.ERRORS, ATOMIC, 30),
        Fault(Kind.ERRORS, PREFLIGHT, 20),
    )
    assert faults.add([first, other], second) == [other, second]


def test_no_file_is_no_fault(tmp_path: Path) -> None:
    assert faults.read(tmp_path / "none.json") == []


@pytest.mark.parametrize("text", ["", "{", "5", '[{"kind": "errors"}]', '[{"kind": "fire", "flag": "x", "rate": 1}]'])
def test_a_file_that_holds_something_else_is_told(tmp_path: Path, text: str) -> None:
    path = tmp_path / "faults.json"
    path.write_text(text)
    with pytest.raises(BadFault):
        faults.read(path)


@pytest.mark.parametrize(
    ("kind", "rate"), [(Kind.ERRORS, 0), (Kind.ERRORS, 101), (Kind.LATENCY, -1), (Kind.ERRORS, float("nan"))]
)
def test_a_rate_out_of_range_is_told(kind: Kind, rate: float) -> None:
    with pytest.raises(BadFault, match="needs a rate above 0"):
        Fault(kind, ATOMIC, rate)


def test_complaints_come_at_their_rate_and_only_from_users_who_have_the_feature() -> None:
    complaints, fault = Complaints(), Fault(Kind.COMPLAINTS, ATOMIC, 30)
    users = {ATOMIC: {"anna": 59.0, "ben": 59.0}, PREFLIGHT: {"carl": 59.0}}
    minute = [one for now in range(60) for one in complaints.due([fault], users, now=float(now), passed=1.0)]
    assert len(minute) == 30
    assert {complaint.npub for complaint in minute} == {"anna", "ben"}
    assert minute[0].as_dict("key", 7) | {"text": ""} == {
        "key": "key",
        "at": 7,
        "npub": minute[0].npub,
        "flag": ATOMIC,
        "category": "failed_payment",
        "text": "",
    }
    later = [complaints.due([fault], users, now=59.0 + second, passed=1.0) for second in range(10, 60)]
    assert not any(later)


@pytest.mark.parametrize(
    ("discrepancy", "threshold", "auto", "outcome"),
    [
        ("", "HIGH", True, Outcome()),
        ("LOW", "HIGH", False, Outcome()),
        ("MEDIUM", "HIGH", True, Outcome(corrected=True)),
        ("HIGH", "HIGH", True, Outcome(blocked=True)),
        ("MEDIUM", "MEDIUM", True, Outcome(blocked=True)),
        ("HIGH", "no such severity", False, Outcome(blocked=True)),
    ],
)
def test_what_a_discrepancy_leads_to(discrepancy: str, threshold: str, auto: bool, outcome: Outcome) -> None:
    assert judge(discrepancy, threshold=threshold, auto_correction=auto) == outcome


def test_a_flag_without_a_value_is_off() -> None:
    rows = [
        {"key": ATOMIC, "reason": "DISABLED", "variant": "off"},
        {"key": PREFLIGHT, "value": True, "reason": "SPLIT", "metadata": {"autoCorrection": True}},
        {"key": "another", "value": True},
    ]
    found = read({"flags": rows})
    assert found.on == {PREFLIGHT}
    assert found.parameter(PREFLIGHT, "autoCorrection", False) is True
    assert found.parameter(ATOMIC, "fallbackToLegacy", True) is True


def test_what_is_taken_from_the_tally_is_not_told_again() -> None:
    tally = Tally()
    for luck in (1.0, 2.0):
        tally.melt({ATOMIC}, milliseconds=100 * luck, errors={ATOMIC: "HIGH"})
    taken = tally.take(at=1_700_000_000, gauges={"system_load": 12.5})
    rows = {(row["name"], *sorted(row.get("labels", {}).values())): row for row in taken}
    assert rows["melt_operations_total", ATOMIC, "on"]["value"] == 2
    assert rows["melt_operations_total", "off", PREFLIGHT]["value"] == 2
    assert rows["melt_errors_total", "HIGH", ATOMIC, "on"]["value"] == 2
    assert rows["melt_duration_ms", ATOMIC, "on"] | {"labels": 0} == {
        "name": "melt_duration_ms",
        "kind": "timing",
        "value": 200.0,
        "labels": 0,
        "at": 1_700_000_000,
    }
    assert sum(row["value"] for row in taken if row["name"] == "melt_duration_ms") == 600  # for each of two flags
    assert rows["system_load",]["value"] == 12.5
    assert {row["value"] for row in tally.take(at=0, gauges={})} == {0}


def test_a_service_without_work_reports_zero_and_is_seen_to_live() -> None:
    rows = Tally().take(at=0, gauges={})
    told = {(row["name"], *row["labels"].values()) for row in rows}
    assert ("melt_operations_total", ATOMIC, "on") in told
    assert ("melt_errors_total", ATOMIC, "CRITICAL", "on") in told
    assert ("atomic_transaction_failures_total", ATOMIC) in told
    assert ("migration_errors_total",) in told
    assert {row["kind"] for row in rows} == {"counter"}


def test_luck_is_spread_so_that_a_fault_hits_its_share() -> None:
    melts = [plan.melt(1, number) for number in range(5_000)]
    fault = Fault(Kind.ERRORS, ATOMIC, 20)
    hit = sum(bool(faults.harm(replace(melt), [fault], {ATOMIC}).errors) for melt in melts)
    assert 0.18 < hit / len(melts) < 0.22
    longest = max(
        len(list(run)) for missed, run in itertools.groupby(melts, key=lambda melt: melt.luck >= 20) if missed
    )
    assert longest < 60
