"""What makes a database ready, from what it tells of itself."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from core.errors import Conflict, Invalid, Refused
from migrations_app.adapters.facts import members, running
from migrations_app.domain.backup import LastBackup, told
from migrations_app.domain.facts import (
    Connections,
    Counted,
    Disk,
    Estimates,
    Facts,
    Index,
    Member,
    Oplog,
    Topology,
    index_bytes,
)
from migrations_app.domain.readiness import Check, Readiness, Waiver, judge, need_ready, need_waivable
from migrations_app.domain.readiness_checks import CheckName, Needs, Standing

NOW = datetime(2025, 8, 11, 9, 0, tzinfo=UTC)
GB = 10**9
PRIMARY = Member("a:1", "PRIMARY", optime=NOW)
NEEDS = Needs(timedelta(hours=4), Estimates((Counted("Mark", "cashutokens", 1_000_000),), index_bytes=80_000_000))
BACKUP = LastBackup(begun_at=NOW - timedelta(hours=2), tested_at=NOW - timedelta(days=30))


def second(name: str = "b:1", state: str = "SECONDARY", *, late: float = 1, **more: Any) -> Member:
    return Member(name, state, optime=NOW - timedelta(seconds=late), **more)


GOOD = Facts(
    server="mongod 8.0.4",
    pings=(1.0, 2.0, 250.0, 1.5, 0.9),
    topology=Topology.REPLICA_SET,
    members=(PRIMARY, second()),
    oplog=Oplog(NOW - timedelta(days=3), NOW, 50, 50),
    disk=Disk(100 * GB, 40 * GB),
    connections=Connections(100, 900),
    indexes=(Index("cashutokens", "_id_", 0, NOW - timedelta(days=9)),),
    building=(),
    transactions=(timedelta(seconds=2),),
)


def checked(name: str, *, protected: bool = True, waivers: Mapping[str, Waiver] | None = None, **over: Any) -> Check:
    needs, backup = over.pop("needs", NEEDS), over.pop("backup", BACKUP)
    found = judge(replace(GOOD, **over), needs, backup, now=NOW, protected=protected, waivers=waivers)
    return next(check for check in found if check.name == name)


def test_a_database_that_tells_all_and_is_well_is_ready() -> None:
    checks = judge(GOOD, NEEDS, BACKUP, now=NOW, protected=True)
    assert [check.name for check in checks] == list(CheckName)
    assert {check.standing for check in checks} == {Standing.OK}
    assert not any(check.blocks or check.remedy for check in checks)


@pytest.mark.parametrize(
    ("name", "over", "standing", "told"),
    [
        ("ping", {"pings": (101.0, 99.0, 150.0, 150.0, 1.0)}, "red", "median of 5 pings is 101.0 ms"),
        ("ping", {"pings": (100.0,) * 5}, "ok", "5 pings"),
        ("ping", {"pings": None}, "red", "does not answer"),
        ("primary", {"topology": Topology.SINGLE, "members": None}, "red", "has no transactions"),
        ("primary", {"topology": Topology.SHARDED, "members": None}, "unknown", "mongos"),
        ("primary", {"members": None}, "unknown", "the server does not tell it"),
        ("primary", {"members": (second(), second("c:1"))}, "red", "No member is primary"),
        ("primary", {"members": (PRIMARY, second(healthy=False))}, "red", "b:1 is SECONDARY"),
        ("primary", {"members": (PRIMARY, second(state="RECOVERING"))}, "red", "b:1 is RECOVERING"),
        ("primary", {"members": (PRIMARY, second(state="STARTUP2", hidden=True))}, "red", "b:1 is STARTUP2"),
        ("primary", {"members": (PRIMARY, second(state="NOT REACHABLE/HEALTHY", arbiter=True))}, "ok", "a:1 is"),
        ("primary", {"members": (PRIMARY,)}, "ok", "a:1 is"),
        ("replicationLag", {"members": (PRIMARY, second(late=5))}, "ok", "b:1 is the last of 1"),
        ("replicationLag", {"members": (PRIMARY, second(late=2), second("c:1", late=6))}, "red", "c:1 is the last"),
        ("replicationLag", {"members": (PRIMARY, second(late=-3))}, "ok", "b:1"),
        ("replicationLag", {"members": (PRIMARY, second(late=3600, hidden=True))}, "ok", "no lag"),
        ("replicationLag", {"members": (PRIMARY, second(late=3600, delayed=True))}, "ok", "no lag"),
        ("replicationLag", {"members": (PRIMARY, second(late=3600, arbiter=True))}, "ok", "no lag"),
        ("replicationLag", {"members": (PRIMARY, second(late=9, delayed=True), second("c:1"))}, "ok", "c:1"),
        ("replicationLag", {"members": (PRIMARY, second(state="RECOVERING"))}, "unknown", "no secondary is in a state"),
        ("replicationLag", {"members": (PRIMARY, Member("b:1", "SECONDARY"))}, "unknown", "how far they are"),
        ("replicationLag", {"members": (second(), second("c:1"))}, "unknown", "how far they are"),
        ("replicationLag", {"members": None}, "unknown", "cannot be shown"),
        ("replicationLag", {"members": None, "topology": Topology.SINGLE}, "ok", "no lag"),
        ("oplogWindow", {"oplog": None}, "unknown", "cannot be shown"),
        ("oplogWindow", {"oplog": Oplog(NOW - timedelta(hours=12), NOW)}, "ok", "So far back"),
        ("oplogWindow", {"oplog": Oplog(NOW - timedelta(hours=11), NOW)}, "unknown", "full or only young"),
        ("oplogWindow", {"oplog": Oplog(NOW - timedelta(hours=11), NOW, 0, 100)}, "unknown", "full or only young"),
        ("oplogWindow", {"oplog": Oplog(NOW - timedelta(hours=11), NOW, 95, 100)}, "red", "could not catch up"),
        ("oplogWindow", {"oplog": Oplog(NOW - timedelta(hours=2), NOW, 10, 100)}, "ok", "will reach back 20 h"),
        ("oplogWindow", {"oplog": Oplog(NOW - timedelta(hours=2), NOW, 50, 100)}, "red", "could not catch up"),
        ("diskSpace", {"disk": None}, "unknown", "cannot be shown"),
        ("diskSpace", {"disk": Disk(0, 0)}, "unknown", "cannot be shown"),
        ("diskSpace", {"disk": Disk(100 * GB, 80 * GB)}, "red", "too full"),  # exactly 20 % is too little
        ("diskSpace", {"disk": Disk(1000, 0)}, "red", "take about 200 MB"),
        ("diskSpace", {"disk": Disk(10**9, 6 * 10**8)}, "ok", "primary"),  # 400 MB are twice 200 MB
        ("diskSpace", {"disk": Disk(10**9, 6 * 10**8 + 1)}, "red", "take about 200 MB"),
        ("diskSpace", {"needs": Needs(sizes=Estimates(why="it took too long"))}, "unknown", "it took too long"),
        ("connectionPool", {"connections": None}, "unknown", "cannot be shown"),
        ("connectionPool", {"connections": Connections(3, 0)}, "unknown", "cannot be both"),
        ("connectionPool", {"connections": Connections(500, 0)}, "red", "Too few"),
        ("connectionPool", {"connections": Connections(80, 20)}, "ok", "80 are open"),
        ("connectionPool", {"connections": Connections(81, 19)}, "red", "Too few"),
        ("indexHealth", {"building": ("nctool.cashutokens",)}, "red", "Under construction: nctool.cashutokens"),
        ("indexHealth", {"building": None}, "unknown", "cannot be shown"),
        ("indexHealth", {"indexes": None}, "unknown", "cannot be shown"),
        ("indexHealth", {"needs": Needs(expected=("npub_1 on cashutokens",))}, "ok", "Missing"),
        ("longTransactions", {"transactions": None}, "unknown", "cannot be shown"),
        ("longTransactions", {"transactions": ()}, "ok", "Open now: 0"),
        ("longTransactions", {"transactions": (timedelta(seconds=60),)}, "ok", "Open now: 1"),
        ("longTransactions", {"transactions": (timedelta(seconds=61),)}, "red", "1 open, the oldest for 1 min 1 s"),
        ("backup", {"backup": LastBackup()}, "red", "No backup"),
        ("backup", {"backup": LastBackup(NOW - timedelta(hours=25), tested_at=NOW)}, "red", "too old"),
        ("backup", {"backup": LastBackup(NOW - timedelta(hours=24), tested_at=NOW)}, "ok", "last tested now"),
        ("backup", {"backup": replace(BACKUP, tested_at=None)}, "red", "never tested"),
        ("backup", {"backup": replace(BACKUP, failed_at=NOW)}, "ok", "A later one failed now"),
    ],
)
def test_each_check_stands_as_the_facts_say(name: str, over: dict[str, Any], standing: str, told: str) -> None:
    found = checked(name, **over)
    assert (found.standing, found.blocks) == (standing, standing != "ok")
    assert told in found.why
    assert bool(found.remedy) is (standing != "ok")


@pytest.mark.parametrize("name", [name for name in CheckName if name not in ("ping", "backup")])
def test_what_cannot_be_shown_holds_a_migration_up_in_protected_environments_only(name: str) -> None:
    silent: dict[str, Any] = {
        "members": None,
        "oplog": None,
        "disk": None,
        "connections": None,
        "building": None,
        "transactions": None,
    }
    for protected in (True, False):
        found = checked(name, protected=protected, **silent)
        assert (found.standing, found.blocks) == ("unknown", protected)
    foreign = checked(name, protected=True, server="secantus 8.2.11", **silent)
    assert (foreign.standing, foreign.blocks) == ("unknown", False), "no permission would make it tell"


def test_a_backup_whose_restore_was_never_tested_is_enough_where_nothing_is_protected() -> None:
    assert checked("backup", backup=replace(BACKUP, tested_at=None), protected=False).standing == "ok"


def test_a_waiver_lets_a_check_pass_but_never_the_first_two() -> None:
    waiver = Waiver("ada", "measured by hand", NOW + timedelta(hours=4))
    waivers = dict.fromkeys(CheckName, waiver)
    waived = checked("diskSpace", disk=Disk(100, 99), waivers=waivers)
    assert (waived.standing, waived.was, waived.blocks, waived.waiver) == ("waived", "red", False, waiver)
    assert checked("oplogWindow", oplog=None, waivers=waivers).standing == "waived"
    assert checked("diskSpace", waivers=waivers).waiver is None  # it is well: nothing is waived
    assert checked("ping", pings=None, waivers=waivers).blocks
    assert checked("primary", members=(second(),), waivers=waivers).blocks
    for name in ("ping", "primary"):
        with pytest.raises(Refused, match="never waived"):
            need_waivable(name, 4)
    for wrong, hours in (("luck", 4), ("backup", 0), ("backup", 25)):
        with pytest.raises(Invalid):
            need_waivable(wrong, hours)
    assert need_waivable("backup", 24) is CheckName.BACKUP


def test_an_index_that_nobody_uses_is_told_and_blocks_nothing() -> None:
    old, young = NOW - timedelta(days=2), NOW - timedelta(hours=20)
    indexes = (
        Index("cashutokens", "_id_", 0, old),
        Index("cashutokens", "npub_1", 0, old),
        Index("cashutokens", "status_1", 0, young),
        Index("cashutokens", "mint_1", 7, old),
        Index("cashutokens", "kind_1", None, None),
        Index("cashutokens", "path_1", 0, None),
    )
    found = checked("indexHealth", indexes=indexes)
    assert (found.standing, found.blocks) == ("ok", False)
    assert "every write pays for it: npub_1 on cashutokens." in found.why


def test_a_migration_is_refused_with_the_names_of_what_blocks_and_the_rest_can_be_kept_as_json() -> None:
    checks = judge(replace(GOOD, disk=Disk(100, 99), pings=None), NEEDS, BACKUP, now=NOW, protected=False)
    readiness = Readiness("staging", "a:1/nctool", "mongod 8.0.4", NOW, 0.5, checks, NEEDS.sizes, "002", ("data",))
    with pytest.raises(Conflict, match=r"staging is not ready\. The database answers: .* Disk space: "):
        need_ready(readiness)
    found = json.loads(json.dumps(readiness.as_dict()))
    assert (found["ready"], found["estimates"]["documents"], len(found["checks"])) == (False, 1_000_000, len(CheckName))
    assert [check["name"] for check in found["checks"] if check["blocks"]] == ["ping", "diskSpace"]
    need_ready(replace(readiness, checks=judge(GOOD, NEEDS, BACKUP, now=NOW, protected=True)))


STATUS = {
    "members": [
        {"name": "a:1", "stateStr": "PRIMARY", "health": 1.0, "optimeDate": NOW},
        {"name": "b:1", "stateStr": "SECONDARY", "health": 1.0, "optimeDate": NOW},
        {"name": "c:1", "stateStr": "(not reachable/healthy)", "health": 0.0, "optimeDate": datetime(1970, 1, 1)},
        {"name": "d:1", "stateStr": "SECONDARY", "health": 1.0, "optimeDate": NOW},
    ]
}
CONFIG = {
    "members": [
        {"host": "a:1"},
        {"host": "b:1", "hidden": True, "priority": 0},
        {"host": "c:1", "arbiterOnly": True},
        {"host": "d:1", "secondaryDelaySecs": 3600, "priority": 0},
    ]
}


def test_hidden_delayed_and_arbiters_are_told_by_the_settings_else_by_hello_as_far_as_it_can() -> None:
    hello = {"hosts": ["a:1"], "passives": ["d:1"], "arbiters": ["c:1"]}
    told = members(STATUS, CONFIG, hello)
    assert [(each.hidden, each.arbiter, each.delayed) for each in told] == [
        (False, False, False),
        (True, False, False),
        (False, True, False),
        (False, False, True),
    ]
    assert [each.name for each in told if each.lags] == []
    guessed = members(STATUS, None, hello)
    assert [each.name for each in guessed if each.lags] == ["d:1"]
    assert (guessed[2].state, guessed[2].arbiter, guessed[2].healthy) == ("NOT REACHABLE/HEALTHY", True, False)
    assert [each.name for each in members(STATUS, None, {}) if each.lags] == ["b:1", "d:1"]


def test_index_builds_and_transactions_are_told_apart() -> None:
    found = running(
        [
            {"ns": "nctool.cashutokens"},
            {"ns": "nctool.cashutokens", "msg": "Index Build"},
            {"ns": "", "transaction": {"timeOpenMicros": 90_000_000}},
        ]
    )
    assert found == (("nctool.cashutokens",), (timedelta(seconds=90),))


@pytest.mark.parametrize(
    ("output", "found"),
    [
        ("done\nsize=1234\nplace=/backups/nctool.gz", (1234, "/backups/nctool.gz")),
        ("size=1 place=s3://bucket/a b\n", (1, "s3://bucket/a b")),
        ("size=1\nsize=2", (2, "")),
        ("filesize=7\nresize=8", (None, "")),
        ("size=12kB", (None, "")),
        ("size=5\n" + "x\n" * 20, (None, "")),
        ("size=" + "9" * 19, (None, "")),
        ("", (None, "")),
    ],
)
def test_size_and_place_are_read_from_the_last_lines(output: str, found: tuple[int | None, str]) -> None:
    assert told(output) == found


def test_an_index_is_never_estimated_larger_than_what_it_indexes() -> None:
    assert (index_bytes(1000, 3, 50.0), index_bytes(1000, 3, 4000.0)) == (66_000, 112_000)
