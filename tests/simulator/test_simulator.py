"""The simulator against doors that are only played, and a MongoDB that is real."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from simulator import faults, plan
from simulator.faults import Fault, Kind
from simulator.health import Health
from simulator.ledger import ForeignDatabase, Ledger
from simulator.plan import ATOMIC, PREFLIGHT
from simulator.runner import Config, Simulator
from tests.servers import free_port
from tests.simulator.conftest import TOKEN, Doors


@contextmanager
def playing(config: Config, renew: Callable[[], str] = lambda: TOKEN) -> Iterator[None]:
    stop = threading.Event()
    thread = threading.Thread(target=Simulator(config, renew).run, args=(stop,))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(timeout=30)
        assert not thread.is_alive()


def until(true: Callable[[], object], *, seconds: float = 40) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.05)


def operations(doors: Doors, flag: str, variant: str) -> int:
    return doors.totals("melt_operations_total", "flag", "variant")[flag, variant]


def test_each_melt_is_reported_once_for_each_flag_with_the_variant_it_had(
    config: Config, doors: Doors, database: Any
) -> None:
    doors.on = {ATOMIC}
    with playing(config):
        until(lambda: operations(doors, ATOMIC, "on") >= 60)
    assert operations(doors, PREFLIGHT, "off") == operations(doors, ATOMIC, "on")
    assert operations(doors, ATOMIC, "off") == operations(doors, PREFLIGHT, "on") == 0
    durations = doors.totals("melt_duration_ms", "flag", "variant")
    assert 100 < durations[ATOMIC, "on"] / operations(doors, ATOMIC, "on") < 2000
    assert set(doors.asked) <= {wallet.npub for wallet in plan.wallets(7)}


def test_the_atomic_path_marks_its_tokens_the_legacy_path_as_version_two_does_and_history_has_no_mark(
    config: Config, doors: Doors, database: Any
) -> None:
    tokens, melted = database.cashutokens, {"transaction_type": "melted", "metadata.version": "2.0.0"}
    with playing(config):
        until(lambda: tokens.count_documents(melted) > 5)
    assert tokens.count_documents({"metadata.atomic_operation": True}) == 0
    assert tokens.count_documents({**melted, "metadata.legacy": {"$ne": True}}) == 0
    assert tokens.count_documents({"metadata": None}) == 8 * plan.WALLETS - 15
    assert tokens.count_documents({"metadata.note": "refunded by hand"}) == 15
    doors.on = {ATOMIC}
    with playing(config):
        until(lambda: database.cashutokens.count_documents({"metadata.atomic_operation": True}) > 5)
    assert database.cashuwallets.count_documents({}) == plan.WALLETS


def test_a_fault_of_errors_hits_only_the_melts_that_have_the_flag_on(
    config: Config, doors: Doors, database: Any
) -> None:
    doors.on = {ATOMIC}
    faults.write(config.fault_file, [Fault(Kind.ERRORS, ATOMIC, 50)])
    with playing(config):
        until(lambda: operations(doors, ATOMIC, "on") >= 80)
        doors.on = {PREFLIGHT}
        until(lambda: operations(doors, ATOMIC, "off") >= 80)
    errors = doors.totals("melt_errors_total", "flag", "variant", "severity")
    assert 0.3 < errors[ATOMIC, "on", "HIGH"] / operations(doors, ATOMIC, "on") < 0.7
    assert errors[ATOMIC, "off", "HIGH"] == errors[PREFLIGHT, "on", "HIGH"] == 0


def test_a_broken_atomic_melt_leaves_nothing_behind_when_there_is_no_fallback(
    config: Config, doors: Doors, database: Any
) -> None:
    doors.on = {ATOMIC}
    doors.metadata = {ATOMIC: {"fallbackToLegacy": False}}
    faults.write(config.fault_file, [Fault(Kind.ERRORS, ATOMIC, 100)])
    with playing(config):
        until(lambda: operations(doors, ATOMIC, "on") >= 20)
    assert database.cashutokens.count_documents({"metadata.version": "2.0.0"}) == 0


def test_a_fault_reaches_the_running_simulator_and_leaves_it_when_it_is_cleared(
    config: Config, doors: Doors, database: Any
) -> None:
    doors.on = {ATOMIC}

    def mean_of_the_next() -> float:
        doors.reports.clear()
        until(lambda: operations(doors, ATOMIC, "on") >= 40)
        return doors.totals("melt_duration_ms", "flag")[ATOMIC,] / operations(doors, ATOMIC, "on")

    with playing(config):
        assert mean_of_the_next() < 3000
        faults.write(config.fault_file, [Fault(Kind.LATENCY, ATOMIC, 8000)])
        time.sleep(1.5)
        assert mean_of_the_next() > 8000
        faults.write(config.fault_file, [])
        time.sleep(1.5)
        assert mean_of_the_next() < 3000


def test_silence_and_complaints_are_told_from_the_flag_that_is_on(config: Config, doors: Doors, database: Any) -> None:
    doors.on = {PREFLIGHT}
    faults.write(config.fault_file, [Fault(Kind.SILENCE, PREFLIGHT), Fault(Kind.COMPLAINTS, PREFLIGHT, 120)])
    with playing(config):
        until(lambda: len(doors.complaints) >= 3)
    assert {complaint["flag"] for complaint in doors.complaints.values()} == {PREFLIGHT}
    assert len({complaint["npub"] for complaint in doors.complaints.values()} & set(doors.asked)) >= 2
    assert not any(doors.totals("melt_operations_total", "flag").values())


def test_its_health_and_its_load_follow_the_faults_of_a_flag_that_is_on(
    config: Config, doors: Doors, database: Any
) -> None:
    port = free_port()

    def health() -> int:
        try:
            with urlopen(f"http://127.0.0.1:{port}/health", timeout=5) as response:
                return response.status
        except HTTPError as error:
            return error.code

    faults.write(config.fault_file, [Fault(Kind.DOWN, ATOMIC), Fault(Kind.LOAD, ATOMIC, 90)])
    with playing(replace(config, health_port=port)):
        until(lambda: (doors.newest("system_load") or 100) < 90 and doors.asked)
        assert health() == 200
        doors.on = {ATOMIC}
        until(lambda: health() == 503)
        until(lambda: doors.newest("system_load") >= 90)
    assert 0 < doors.newest("replication_lag_ms") < 500
    assert 0 <= doors.newest("connection_pool_used") <= 100


def test_a_health_that_is_closed_leaves_no_thread_behind() -> None:
    before = set(threading.enumerate())
    health = Health(0, lambda: True, clock=time.monotonic)
    started = set(threading.enumerate()) - before
    assert started
    health.close()
    until(lambda: not any(thread.is_alive() for thread in started))


def test_a_health_whose_port_is_taken_answers_as_soon_as_it_is_free() -> None:
    first = Health(0, lambda: False, clock=time.monotonic)
    second = Health(first.port, lambda: True, clock=time.monotonic)
    assert second.port == 0, "it plays on without"
    first.close()
    until(lambda: second.port == first.port)
    second.close()


def test_a_reconciliation_counts_what_it_checks_finds_corrects_and_blocks(
    config: Config, doors: Doors, database: Any
) -> None:
    doors.on = {PREFLIGHT}
    doors.metadata = {PREFLIGHT: {"severityThreshold": "MEDIUM", "autoCorrection": True}}
    with playing(replace(config, rate=150)):
        until(lambda: doors.totals("operations_blocked_total", "flag")[PREFLIGHT,] >= 1)
        until(lambda: doors.totals("auto_corrections_total", "flag")[PREFLIGHT,] >= 1)
    found = doors.totals("discrepancies_found_total", "severity")
    assert doors.totals("operations_blocked_total")[()] == found["MEDIUM",] + found["HIGH",]
    assert doors.totals("auto_corrections_total")[()] == found["LOW",]
    assert doors.totals("operations_checked_total")[()] > 20 * sum(found.values())


def test_without_evaluation_the_last_known_flags_are_used_and_melts_go_on(
    config: Config, doors: Doors, database: Any
) -> None:
    doors.on = {ATOMIC}
    with playing(config):
        until(lambda: len(set(doors.asked)) >= 30)
        doors.refuse = {"/ofrep/v1/evaluate/flags": 503}
        time.sleep(1.2)
        doors.reports.clear()
        until(lambda: operations(doors, ATOMIC, "on") >= 2 and operations(doors, ATOMIC, "off") >= 2)
    assert min(operations(doors, ATOMIC, variant) for variant in ("on", "off")) >= 2


def test_reports_wait_while_the_door_is_closed_and_each_is_counted_once(
    config: Config, doors: Doors, database: Any
) -> None:
    doors.refuse = {"/api/v1/metrics": 503}
    with playing(config):
        time.sleep(3)
        assert not doors.reports
        doors.refuse = {}
        until(lambda: len(doors.reports) >= 4)
    assert len(doors.tries) == len(set(doors.tries))


def test_a_refused_token_is_renewed(
    config: Config, doors: Doors, database: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("simulator.runner.RENEW_PAUSE", 0.5)
    doors.token = "nct_new"
    given = iter(["nct_old", "nct_old", "nct_new"])
    with playing(config, lambda: next(given)):
        until(lambda: doors.reports)
    assert next(given, None) is None  # it asked three times: each token that was refused was left
    assert doors.reports


def test_with_mongodb_away_melts_fail_and_say_so(config: Config, doors: Doors) -> None:
    with playing(replace(config, mongodb_url="mongodb://127.0.0.1:1/nctool", rate=10)):
        until(lambda: operations(doors, ATOMIC, "off") >= 5)
    errors = doors.totals("melt_errors_total", "flag", "severity")
    assert errors[ATOMIC, "HIGH"] == errors[PREFLIGHT, "HIGH"] >= 4


def test_a_database_with_other_wallets_is_left_alone(config: Config, database: Any) -> None:
    database.cashuwallets.insert_one({"npub": "npub1qqqq", "mint_url": "https://mint.example"})
    with pytest.raises(ForeignDatabase):
        Simulator(config, lambda: TOKEN).run(threading.Event())
    assert database.cashuwallets.count_documents({}) == 1
    assert database.cashutokens.count_documents({}) == 0


def test_tokens_never_grow_without_end_and_every_wallet_keeps_its_balance(config: Config, database: Any) -> None:
    ledger = Ledger(config.mongodb_url, config.mongodb_name)
    wallet = plan.wallets(7)[0]
    ledger.open([wallet])
    melts = [replace(plan.melt(7, number), wallet=wallet, amount=100) for number in range(60)]
    for melt in melts:
        ledger.melt_atomic(melt, broken=False)
    received, paid = 8000, 60 * (100 + 1)  # in steps of 2000; the mint keeps one percent
    assert ledger.balance(wallet).total == received - paid
    assert database.cashutokens.count_documents({}) <= 20
    ledger.close()


def test_a_transaction_that_a_killed_simulator_left_open_locks_nobody_out(config: Config, database: Any) -> None:
    ledger = Ledger(config.mongodb_url, config.mongodb_name)
    melt = plan.melt(7, 1)
    ledger.open([melt.wallet])
    ledger.melt_legacy(melt)
    with database.client.start_session() as left_open:
        left_open.start_transaction()
        database.cashutokens.update_many({}, {"$set": {"locked": True}}, session=left_open)
        ledger.open([melt.wallet])
        ledger.melt_atomic(melt)
    assert database.cashutokens.count_documents({"metadata.atomic_operation": True}) >= 1
    assert database.cashutokens.count_documents({"locked": True}) == 0
    ledger.close()
