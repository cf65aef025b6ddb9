"""Secondaries that fall behind, and a disk that fills: the run waits, or ends in time and takes itself back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from migrations_app.domain.states import RunState
from migrations_app.domain.steps import Point
from migrations_app.services import driving, work
from tests.migrations_app.engine import Notes, raw, token, wallets, worker
from tests.migrations_app.wire import Told, lagging

DONE = {"metadata.migrated": True}


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work, "LOOK_EVERY", 0.01)
    monkeypatch.setattr(work, "DISK_EVERY", 0.0)


@pytest.fixture
def server(mongodb_url: str, mongodb_name: str) -> Iterator[tuple[Any, Told]]:
    """nctool's database by way of a server that tells of a secondary, and what it tells."""
    with lagging(mongodb_url) as (client, told):
        database = client[mongodb_name]
        database.cashuwallets.insert_many(wallets())
        database.cashutokens.insert_many([token(number, _id=number) for number in range(60)])
        yield database, told


class Waits(Notes):
    """Notes each picture that says why it waits, with how many documents were done; the third ends the reason."""

    def __init__(self, database: Any, told: Told) -> None:
        super().__init__()
        self.database, self.told = database, told
        self.seen: list[tuple[str, int]] = []

    def progress(self, picture: Mapping[str, Any]) -> None:
        if picture.get("waiting") and " by now." not in picture["waiting"]:  # which tells of an index or a validation
            self.seen.append((picture["waiting"], self.database.cashutokens.count_documents(DONE)))
            if len(self.seen) == 3:
                self.told.lag, self.told.queued, self.told.free = 0.0, 0, 0.5


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"lag": 8.0}, "The replication lag is 8 s: the run waits until it is below 5 s."),
        ({"lag": None}, "The replication lag cannot be told: the run waits until it can be."),
        ({"free": 0.08}, "8% of the disk is free: it waits until 10% are. Make room, or abort."),
        ({"queued": 101}, "101 operations wait in the server, above 100: the run lets them go first."),
    ],
)
def test_nothing_is_written_while_the_server_cannot_bear_it_and_the_run_goes_on_by_itself(
    server: tuple[Any, Told], said: dict[str, Any], why: str
) -> None:
    database, told = server

    def at(point: Point) -> None:
        if point is Point.CHECKPOINTED and not desk.seen:
            vars(told).update(said)

    with worker(database, desk=(desk := Waits(database, told)), at=at, size=20) as held:
        ending = driving.drive(held)

    assert (ending.state, ending.why) == (RunState.COMPLETED, "")
    assert desk.seen == [(why, 20)] * 3
    assert database.cashutokens.count_documents(DONE) == 60


def test_above_thirty_seconds_the_run_ends_and_its_way_back_waits_and_is_not_ended(server: tuple[Any, Told]) -> None:
    database, told = server
    before = raw(database)

    def at(point: Point) -> None:
        if point is Point.CHECKPOINTED:
            told.lag = 31.0

    with worker(database, desk=(desk := Waits(database, told)), at=at, size=20) as held:
        ending = driving.drive(held)
        assert (ending.state, ending.why) == (
            RunState.ROLLING_BACK,
            "The replication lag is 31 s, above 30 s.",
        )
        assert database.cashutokens.count_documents(DONE) == 20
        back = driving.take_back(held, held.phases)

    assert (back.state, back.why) == (RunState.ROLLED_BACK, "")
    assert len(desk.seen) == 3
    assert raw(database) == before


def test_a_disk_that_is_full_by_the_time_of_a_write_ends_the_run_and_the_way_back_needs_no_room(
    server: tuple[Any, Told],
) -> None:
    database, told = server
    before = raw(database)

    def at(point: Point) -> None:
        if point is Point.CHECKPOINTED:
            told.full = True

    with worker(database, at=at, size=20) as held:
        ending = driving.drive(held)
        assert (ending.state, "No space left on device" in ending.why) == (RunState.ROLLING_BACK, True)
        assert database.cashutokens.count_documents(DONE) == 20
        assert driving.take_back(held, held.phases).state is RunState.ROLLED_BACK

    assert raw(database) == before
