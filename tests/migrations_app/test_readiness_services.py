"""Readiness of a real server, waivers, and backups by a real command."""

from __future__ import annotations

import os
import shlex
import signal
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pymongo
import pytest
from django.db import connections
from pymongo.errors import OperationFailure
from pytest_django import Settings

from core.actors import Actor, ActorKind
from core.errors import Conflict, DomainError, Invalid, NotFound, Refused
from core.models import Event
from migrations_app.adapters import facts, target
from migrations_app.adapters.mongo import Unreachable
from migrations_app.domain.backup import LastBackup
from migrations_app.domain.facts import Asked, Topology
from migrations_app.domain.readiness import judge
from migrations_app.domain.readiness_checks import Needs
from migrations_app.models import Backup, ReadinessWaiver
from migrations_app.selectors import readiness as selectors
from migrations_app.services import backups, readiness
from nctool_migrations.m002_atomic_melt_support import migration
from tests.racing import at_once
from tests.servers import free_port

PERSON, TOKEN = Actor("ada", ActorKind.PERSON), Actor("pipeline", ActorKind.TOKEN)
SECRET = "s3cretpass"


@pytest.fixture
def database(mongodb_url: str, settings: Settings) -> Iterator[Any]:
    """Production's, with three melted tokens that have no metadata and an index that nobody uses."""
    settings.NCTOOL_MONGODB = mongodb_url.removesuffix("/nctool") + "/readiness"
    with pymongo.MongoClient[dict[str, Any]](settings.NCTOOL_MONGODB) as client:
        client.drop_database("readiness")
        rows = [{"npub": f"npub1{n}", "transaction_type": "melted", "amount": n} for n in range(3)]
        client["readiness"].cashutokens.insert_many(rows)
        client["readiness"].cashutokens.create_index("npub")
        yield client["readiness"]


@pytest.fixture
def away(settings: Settings) -> None:
    settings.NCTOOL_MONGODB = f"mongodb://127.0.0.1:{free_port()}/nctool"


def clock() -> datetime:
    return datetime.now(UTC)


def test_a_real_server_is_asked_and_what_it_leaves_out_is_not_made_up(
    database: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(facts, "QUESTION", 30.0)  # a busy machine is not what is asked about
    monkeypatch.setattr(facts, "TOGETHER", 60.0)
    found = facts.ask(target.connect("production"))
    assert len(found.pings or ()) == 5
    assert (found.topology, [member.state for member in found.members or ()]) == (Topology.REPLICA_SET, ["PRIMARY"])
    assert found.oplog is not None
    assert found.oplog.full is None
    assert {str(index) for index in found.indexes or ()} == {"_id_ on cashutokens", "npub_1 on cashutokens"}
    if found.server.startswith("secantus"):
        assert (found.disk, found.building, found.transactions) == (None, None, None)
        assert "fsTotalSize" in found.why(Asked.DISK)
        assert found.why(Asked.BUILDING) == "secantus shows nobody what others do"


class Refusing:
    """A replica set whose user may ping and nothing else."""

    client = admin = local = property(lambda self: self)

    def __getitem__(self, name: str) -> Any:
        return self

    def command(self, name: Any, *_: Any) -> dict[str, Any]:
        if name in ("ping", "hello"):
            return {"ok": 1.0, "setName": "rs0", "hosts": ["a:1"]}
        raise OperationFailure(f"not authorized on admin to execute command {{ {name}: 1, lsid: 17 }}", 13)

    def aggregate(self, pipeline: Any) -> Any:
        return self.command("aggregate")

    find = list_collection_names = list_indexes = lambda self, *_, **__: self.command("find")


def test_a_user_who_may_ask_nothing_leaves_every_answer_out_with_its_reason(now: datetime) -> None:
    found = facts.ask(target.Target("production", "a:1/nctool", cast("Any", Refusing())))
    assert found.topology is Topology.REPLICA_SET
    assert found.ping is not None
    assert {found.members, found.oplog, found.disk, found.connections, found.indexes, found.transactions} == {None}
    told = [found.why(asked) for asked in Asked if asked not in (Asked.PING, Asked.HELLO)]
    assert told == ["not authorized on admin"] * len(told)
    checks = judge(found, Needs(), LastBackup(), now=now, protected=True)
    assert [check.name for check in checks if not check.blocks] == ["ping"]
    assert all("clusterMonitor" in check.remedy for check in checks if check.standing == "unknown")


def test_what_a_migration_will_change_is_counted_and_measured(database: Any) -> None:
    there = target.connect("production")
    found = facts.estimates(there, migration.phases)
    assert [each.documents for each in found.changes] == [3, 3, 0]
    assert (found.documents, found.exact, found.journal_bytes) == (6, True, 720)
    assert found.index_bytes > 0
    assert [name.partition(" ")[0] for name in found.indexes] == [
        "npub_1_status_1_transaction_type_1",
        "metadata.operation_id_1",
    ]
    database.cashutokens.create_index("metadata.operation_id")
    assert len(facts.estimates(there, migration.phases[:1]).indexes) == 1


def test_a_server_that_is_away_is_told_and_not_made_ready_by_any_waiver(
    all_environments: None, away: None, now: datetime
) -> None:
    with pytest.raises(Unreachable):
        facts.ask(target.connect("production"))
    for check in ("diskSpace", "backup"):
        readiness.waive("production", check, "seen by hand", 4, PERSON, now)
    begin = time.monotonic()
    found = readiness.look("production", migration, now=now)
    assert time.monotonic() - begin < 8
    assert {"ping", "primary"} < {check.name for check in found.blocking}
    assert found.check("diskSpace").standing == "waived"
    with pytest.raises(Conflict, match="The database answers: It does not answer"):
        readiness.need_ready(found)


def test_readiness_of_a_migration_knows_its_phases_and_its_waivers(
    all_environments: None, database: Any, now: datetime, settings: Settings
) -> None:
    settings.BACKUP_COMMAND = ""
    found = readiness.look("production", migration, ["cleanup"], now=now)
    assert (found.migration, found.phases, found.database.endswith("/readiness")) == ("002", ("cleanup",), True)
    assert found.check("oplogWindow").limit == "at least 3 h"
    assert "Missing, where the migration expects it: npub_1_status_1" in found.check("indexHealth").why
    assert "Set BACKUP_COMMAND" in found.check("backup").remedy
    assert [found.check(name).blocks for name in ("ping", "primary", "replicationLag")] == [False] * 3
    for check in found.blocking:
        readiness.waive("production", check.name, "seen by hand", 1, PERSON, now)
    assert readiness.look("production", migration, ["cleanup"], now=now).ready
    later = now + timedelta(hours=1)
    assert not readiness.look("production", migration, ["cleanup"], now=later).ready
    with pytest.raises(Invalid, match="no phase"):
        readiness.look("production", migration, ["party"], now=now)
    with pytest.raises(Conflict, match="set NCTOOL_MONGODB_URL_STAGING"):
        readiness.look("staging", now=now)
    with pytest.raises(NotFound):
        readiness.look("mars", now=now)


@pytest.mark.parametrize(
    ("check", "reason", "hours", "actor", "error"),
    [
        ("ping", "r", 4, PERSON, Refused),
        ("primary", "r", 4, PERSON, Refused),
        ("diskSpace", "  ", 4, PERSON, Invalid),
        ("diskSpace", "r", 25, PERSON, Invalid),
        ("diskSpace", "r", 0, PERSON, Invalid),
        ("diskSpace", "r", 4, TOKEN, Refused),
        ("luck", "r", 4, PERSON, Invalid),
    ],
)
def test_a_waiver_needs_a_person_a_reason_and_an_end_and_some_are_never_given(
    all_environments: None, check: str, reason: str, hours: int, actor: Actor, error: type[DomainError], now: datetime
) -> None:
    with pytest.raises(error):
        readiness.waive("production", check, reason, hours, actor, now)
    assert not ReadinessWaiver.objects.exists()
    assert not Event.objects.filter(kind="readiness.waived").exists()


def test_a_waiver_takes_the_place_of_the_last_and_ends_when_it_is_withdrawn(
    all_environments: None, now: datetime
) -> None:
    environment = readiness.environments.get("production").pk
    readiness.waive("production", "diskSpace", "first", 24, PERSON, now)
    second = readiness.waive("production", "diskSpace", "second", 1, PERSON, now + timedelta(minutes=1))
    assert selectors.waivers(environment, now=now + timedelta(minutes=2))["diskSpace"].reason == "second"
    assert selectors.waivers(environment, now=now + timedelta(hours=2)) == {}
    readiness.withdraw_waiver(second.pk, "not needed", PERSON, now + timedelta(minutes=3))
    assert selectors.waivers(environment, now=now + timedelta(minutes=3)) == {}
    with pytest.raises(Conflict, match="not hold any more"):
        readiness.withdraw_waiver(second.pk, "again", PERSON, now + timedelta(minutes=4))
    kinds = [event.kind for event in Event.objects.filter(subject="readiness:production").order_by("id")]
    assert kinds == ["readiness.waived", "readiness.waived", "readiness.waiver_withdrawn"]


@pytest.fixture
def command(all_environments: None, settings: Settings, tmp_path: Path) -> Any:
    """Set the command that makes a backup of production."""
    settings.NCTOOL_MONGODB = f"mongodb://keeper:{SECRET}@127.0.0.1:1/nctool"
    settings.BACKUP_COMMAND, settings.BACKUP_COMMANDS = "", {}

    def put(code: str) -> None:
        script = tmp_path / "backup.py"
        script.write_text(code)
        settings.BACKUP_COMMANDS = {"PRODUCTION": shlex.join([sys.executable, str(script)])}

    return put


def ask(now: datetime) -> Backup:
    return backups.request("production", PERSON, "before 002", now)


def test_a_backup_is_made_by_the_teams_own_command_and_no_password_is_kept(
    command: Any, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_KEY", "ours")
    command(
        "import os; e = os.environ; assert 'SECRET_KEY' not in e; assert os.getcwd() == '/';"
        "print('from', e['MONGODB_URL'], e['MONGODB_DATABASE'], 'of', e['ROLLOUT_ENVIRONMENT']);"
        f"print('with {SECRET}'); print('size=4096'); print('place=/backups/nctool.gz')"
    )
    made = ask(now)
    with pytest.raises(Conflict, match="under way already"):
        ask(now)
    assert backups.run_next(clock=lambda: now, look=0.05)
    made.refresh_from_db()
    assert (made.state, made.size, made.place) == ("made", 4096, "/backups/nctool.gz")
    assert "[secret] nctool of production" in made.output
    assert SECRET not in made.output
    assert not backups.run_next(clock=lambda: now)
    last = selectors.last_backup(made.environment_id, "production")
    assert (last.begun_at, last.tested_at, last.under_way) == (now, None, False)
    with pytest.raises(Refused):
        backups.tested(made.pk, "looked", TOKEN, now)
    with pytest.raises(Invalid):
        backups.tested(made.pk, " ", PERSON, now)
    backups.tested(made.pk, "restored in staging, all tokens there", PERSON, now + timedelta(hours=1))
    assert selectors.last_backup(made.environment_id, "production").tested_at == now + timedelta(hours=1)
    kinds = [event.kind for event in Event.objects.filter(subject="backup:production").order_by("id")]
    assert kinds == ["backup.requested", "backup.made", "backup.restore_tested"]


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("print('no space left'); raise SystemExit(3)", "It ended with code 3"),
        ("print('size=0')", "a size of 0 bytes"),
        ("import os; os.kill(os.getpid(), 9)", "ended by signal 9"),
        ("import time; time.sleep(60)", "did not end within 1 s"),
    ],
)
def test_a_backup_that_does_not_end_well_has_failed_and_cannot_be_restored(
    command: Any, code: str, told: str, now: datetime
) -> None:
    command(code)
    row = ask(now)
    assert backups.run_next(clock=lambda: now, look=0.05, timeout=1)
    row.refresh_from_db()
    assert (row.state, told in row.why) == ("failed", True)
    with pytest.raises(Conflict, match="nothing to restore"):
        backups.tested(row.pk, "looked", PERSON, now)
    last = selectors.last_backup(row.environment_id, "production")
    assert (last.begun_at, last.failed_at) == (None, now)


def test_a_worker_that_has_to_go_ends_the_command_too(command: Any, now: datetime, tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    command(f"import os, time; open({str(pid)!r}, 'w').write(str(os.getpid())); time.sleep(60)")
    row = ask(now)
    assert backups.run_next(clock=lambda: now, look=0.05, stopping=pid.exists)
    row.refresh_from_db()
    assert (row.state, row.why) == ("failed", "The worker was stopped.")
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid.read_text()), 0)


@pytest.mark.django_db(transaction=True)
def test_a_backup_whose_worker_was_killed_is_lost_and_never_begun_again(
    command: Any, now: datetime, tmp_path: Path
) -> None:
    pid = tmp_path / "pid"
    command(f"import os, time; open({str(pid)!r}, 'w').write(str(os.getpid())); time.sleep(60)")
    row = ask(now)
    connections["default"].close()  # two processes cannot share one
    worker = os.fork()
    if worker == 0:  # a worker of its own, killed in the middle
        try:
            backups.run_next(clock=lambda: now, look=0.05)
        finally:
            os._exit(0)
    until = time.monotonic() + 20
    while not (pid.exists() and pid.read_text()) and time.monotonic() < until:
        time.sleep(0.05)
    os.kill(worker, signal.SIGKILL)
    os.waitpid(worker, 0)
    held = Backup.objects.get(pk=row.pk)
    assert held.state == "running"
    assert not backups.run_next(clock=lambda: now)
    assert Backup.objects.get(pk=row.pk).state == "running"  # its lease holds still
    assert not backups.run_next(clock=lambda: now + timedelta(minutes=1))
    lost = Backup.objects.get(pk=row.pk)
    assert (lost.state, "Its worker died" in lost.why, lost.lease_until) == ("lost", True, None)
    assert Event.objects.filter(kind="backup.lost").count() == 1
    time.sleep(0.2)
    assert _is_gone(int(pid.read_text()))
    ask(now + timedelta(minutes=2))  # there is room for the next


def test_without_a_command_or_with_one_for_a_shell_nothing_is_asked_for(
    command: Any, settings: Settings, now: datetime
) -> None:
    with pytest.raises(Conflict, match="Set BACKUP_COMMAND"):
        ask(now)
    settings.BACKUP_COMMAND = "mongodump --uri $MONGODB_URL | gzip"
    with pytest.raises(Invalid, match="Only a shell understands"):
        ask(now)
    settings.BACKUP_COMMAND = "mongodump-there-is-none"
    with pytest.raises(Invalid, match="Say why"):
        backups.request("production", PERSON, " ", now)
    with pytest.raises(Conflict, match="set NCTOOL_MONGODB_URL_STAGING"):
        backups.request("staging", PERSON, "r", now)
    row = ask(now)
    assert backups.run_next(clock=lambda: now)
    row.refresh_from_db()
    assert (row.state, row.why) == ("failed", "There is no mongodump-there-is-none where the worker is.")


@pytest.mark.races
@pytest.mark.django_db(transaction=True)
def test_of_many_who_ask_and_many_workers_one_has_it(command: Any, now: datetime) -> None:
    command("pass")

    def want() -> str:
        try:
            ask(now)
        except Conflict:
            return "late"
        return "asked"

    assert sorted(at_once(*[want] * 4)) == ["asked", "late", "late", "late"]
    assert sorted(at_once(*[lambda: backups.claim(now=now) is not None] * 4)) == [False, False, False, True]


def _is_gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return Path(f"/proc/{pid}/stat").read_text().split()[2] == "Z"
