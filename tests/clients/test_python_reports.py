"""What the Python client tells the server: usage, exactly once, and the version it serves."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from tests.clients.conftest import Make
from tests.clients.misbehaving import TOKEN, Server, flag, status, until

SOURCE = Path(__file__).parents[2] / "clients" / "python" / "src"


def test_usage_is_counted_exactly_and_a_version_acknowledged_at_once(server: Server, make: Make) -> None:
    flags = make(report_seconds=60)
    until(lambda: [report["version"] for report in server.reports] == [1])

    def ask() -> None:
        for _ in range(5_000):
            flags.is_on("melt", "npub1")

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    flags.value("melt", {"targetingKey": "npub2"})
    flags.is_on("nosuch", "npub3")
    server.publish(2, flag("melt", enabled=False))
    until(lambda: len(server.reports) == 2)
    flags.why("melt", "npub1")
    flags.close()

    told = server.reports
    assert [report["version"] for report in told] == [1, 2, 2]
    assert told[1]["usage"] == [{"flag": "melt", "variant": "on", "reason": "STATIC", "count": 20_001}]
    assert told[2]["usage"] == [{"flag": "melt", "variant": "off", "reason": "DISABLED", "count": 1}]
    assert sorted(told[1]["units"]) == ["npub1", "npub2", "npub3"]
    assert [report.get("stopping", False) for report in told] == [False, False, True]
    assert {report["instance"] for report in told} == {flags.status().instance}
    assert told[0]["software"].startswith("nctool-flags-python/")


def test_no_count_is_lost_while_snapshots_are_swapped(server: Server, make: Make) -> None:
    flags = make(report_seconds=0.05, poll_seconds=0.01)
    asked = [0, 0]

    def ask(number: int) -> None:
        while flags.version < 15:
            assert flags.why("melt", "npub1").error_code == ""
            asked[number] += 1

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for version in range(2, 16):
        server.publish(version, flag("melt", enabled=bool(version % 2)), *[flag(f"f{n}") for n in range(version)])
        until(lambda expected=version: flags.version == expected)
    for thread in threads:
        thread.join()
    flags.close(5)
    assert sum(row["count"] for report in server.reports for row in report["usage"]) == sum(asked)


def test_a_report_that_was_not_taken_comes_again_under_its_number(server: Server, make: Make) -> None:
    server.report_fault = status(500)
    flags = make(report_seconds=0.2)
    flags.is_on("melt", "npub1")
    until(lambda: len(server.tried) >= 3)
    assert len({report["report"] for report in server.tried}) == 1
    server.report_fault = None
    until(lambda: sum(row["count"] for report in server.reports for row in report["usage"]) == 1)
    assert flags.status().dropped == 0
    assert flags.status().acknowledged == 1


@pytest.mark.parametrize("code", [401, 404, 422])
def test_a_server_that_takes_no_reports_is_left_alone(
    code: int, server: Server, make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    server.report_fault = status(code)
    flags = make(report_seconds=0.1)
    until(lambda: server.tried)
    time.sleep(0.3)
    assert len(server.tried) == 1
    assert flags.is_on("melt", "user-1")
    assert len([record for record in caplog.records if "reports of usage" in record.message]) == 1


def test_more_rows_than_a_report_holds_come_in_several(server: Server, make: Make) -> None:
    keys = [f"flag-{number}" for number in range(4_500)]
    server.publish(1, *map(flag, keys))
    flags = make(report_seconds=60)
    until(lambda: server.reports)
    for key in keys:
        flags.is_on(key, "npub1")
    flags.close(10)
    rows = [len(report["usage"]) for report in server.reports[1:]]
    assert rows == [2_000, 2_000, 500]


def test_a_forked_process_follows_and_reports_for_itself(server: Server, tmp_path: Path) -> None:
    script = f"""
import os, time
from nctool_flags import Flags
flags = Flags({server.url!r}, {TOKEN!r}, copy={str(tmp_path / "copy.json")!r}, poll_seconds=0.05, stream=False)
parent = flags.status().instance
for _ in range(7):
    flags.is_on("melt", "npub1")
child = os.fork()
if child == 0:
    assert flags.is_on("melt", "npub1") and flags.status().instance != parent
    print("forked", flush=True)
    while flags.version != 2:
        time.sleep(0.01)
    assert not flags.is_on("melt", "npub1")
    flags.close()
    os._exit(0)
_, code = os.waitpid(child, 0)
assert code == 0
"""
    command = [sys.executable, "-c", script]
    with subprocess.Popen(
        command, env={"PYTHONPATH": str(SOURCE), "PATH": os.environ["PATH"]}, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "forked\n"
        server.publish(2, flag("melt", enabled=False))
        assert process.wait(20) == 0
    counts: dict[str, dict[str, int]] = {}
    for report in server.reports:
        for row in report["usage"]:
            of_instance = counts.setdefault(report["instance"], {})
            of_instance[row["reason"]] = of_instance.get(row["reason"], 0) + row["count"]
    assert sorted(counts.values(), key=len) == [{"STATIC": 7}, {"STATIC": 1, "DISABLED": 1}]
