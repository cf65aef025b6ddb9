"""What a process keeps of the page: renewed by news and by looking, on disk for bad times, and honest about its age."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

from django.db import DatabaseError

from flags.adapters import bus
from statuspage.adapters.bus import CHANNEL
from statuspage.services.keeping import Held, Keeper
from tests.statuspage.conftest import Publish, database_away
from tests.statuspage.visiting import Still, asker


class Restarted(Keeper):
    """A new process: it looks once, in the thread of the test."""

    def start(self) -> None:
        with suppress(DatabaseError):
            self.refresh()
        self._load_copy()


def test_with_the_database_away_a_new_process_shows_the_last_copy_and_says_of_when(
    keeper: Still, publish: Publish, now: datetime, tmp_path: Path
) -> None:
    publish(states={"melt": "major_outage"})
    keeper.refresh()
    later = now + timedelta(hours=5)
    ask = asker(Restarted(tmp_path / "status-page.json", clock=lambda: later), later)
    with database_away():
        shown = ask()
        assert (shown.status, "This is what we knew at 11 Aug 2025, 09:00 UTC." in shown.text) == (200, True)
        assert "5 hours" not in shown.text, "what is not known is not counted"
        assert ask("/status.json").json["page"]["as_of"] == "2025-08-11T09:00:00.000Z"
    back = ask()
    assert "This is what we knew" not in back.text
    assert "Major outage: 5 hours" in back.text


def test_without_database_and_copy_it_says_so(page: None, tmp_path: Path, now: datetime) -> None:
    (tmp_path / "broken.json").write_text('{"title": "nctool"')
    with database_away():
        answer = asker(Restarted(tmp_path / "broken.json", clock=lambda: now), now)()
    assert (answer.status, answer.headers["Retry-After"]) == (503, "30")


def until(true: Callable[[], object], *, seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.01)


def test_the_watch_finds_a_change_by_itself_and_ends_when_told(
    publish: Publish, tmp_path: Path, now: datetime, transactional_db: None
) -> None:
    watching = Keeper(tmp_path / "status-page.json", clock=lambda: now, poll_seconds=0.02)
    watching.start()
    try:
        publish()
        until(lambda: watching.held is not None and watching.held.picture.incidents)
    finally:
        watching.stop()
    assert (tmp_path / "status-page.json").exists()


def test_the_copy_is_written_when_something_changed_and_confirmed_each_time(
    keeper: Still, publish: Publish, now: datetime
) -> None:
    file = keeper._copy.path
    written = file.stat().st_ino
    keeper.refresh()
    assert file.stat().st_ino == written
    publish()
    keeper.refresh()
    assert file.stat().st_ino != written
    assert file.stat().st_mtime == now.timestamp()
    kept = keeper._copy.read()
    assert isinstance(keeper.held, Held)
    assert kept == (keeper.held.picture, now)


def test_redis_tells_of_a_change_long_before_the_next_look(
    page: None, publish: Publish, tmp_path: Path, now: datetime, redis_bus: str, transactional_db: None
) -> None:
    watching = Keeper(tmp_path / "status-page.json", clock=lambda: now, poll_seconds=3600)
    watching.start()
    try:
        until(lambda: bus.client().pubsub_numsub(CHANNEL)[0][1] == 1)
        publish()
        until(lambda: watching.held is not None and watching.held.picture.incidents)
        assert watching.held is not None
        assert len(watching.held.picture.incidents) == 1
    finally:
        watching.stop()
