"""Calendars and their servers that mean harm: the copy stays, the reason is told, nobody waits."""

from __future__ import annotations

import socket
import time
from contextlib import suppress
from datetime import datetime, timedelta
from threading import Thread

import pytest
from pytest_django import Settings

from core.errors import Invalid
from oncall import selectors
from oncall.adapters import calendars, reading
from oncall.adapters.ports import FeedFailed
from oncall.domain import feed
from oncall.services import feeding, planning
from tests.oncall.conftest import ANNA
from tests.oncall.test_feeds import BERLIN, KNOWN, WEEKLY, calendar

PLAIN = "SUMMARY:ada|DTSTART:20250812T090000Z|DTEND:20250812T100000Z"
NESTED = b"BEGIN:VCALENDAR\r\n" + b"BEGIN:VEVENT\r\n" * 5000 + b"END:VEVENT\r\n" * 5000 + b"END:VCALENDAR\r\n"


@pytest.mark.parametrize(
    "text",
    [
        calendar(f"{PLAIN}|RRULE:FREQ=DAILY;INTERVAL=-1"),
        calendar(f"{PLAIN}|RRULE:FREQ=DAILY;COUNT=999999999999999999999"),
        calendar(f"{PLAIN}|RRULE:FREQ=SOMETIMES"),
        calendar(f"{PLAIN}|DTSTART:20250813T090000Z"),
        calendar("SUMMARY:ada|DTEND:20250812T090000Z"),
        calendar("SUMMARY:ada|DTSTART:20250812T090000Z|DTEND:99991231T235959Z"),
        calendar(PLAIN).decode().encode("utf-16"),
        b"\0" * 1000,
        NESTED,
    ],
)
def test_what_cannot_be_read_is_refused_in_words_that_can_be_kept(text: bytes, now: datetime) -> None:
    with pytest.raises(Invalid) as refused:
        feed.read(text, zone=BERLIN, known=KNOWN, now=now)
    assert str(refused.value).isprintable()


@pytest.mark.parametrize(
    ("event", "hours"),
    [
        (PLAIN, 1.0),
        (f"{PLAIN}|RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", 1.0),  # never again
        ("SUMMARY:ada|DTSTART;TZID=../../etc/passwd:20250812T090000|DURATION:PT1H", 1.0),
        ("SUMMARY:ada|DTSTART:20250812T090000|DURATION:PT1H", 1.0),
        ("SUMMARY:ada|DTSTART:20250812T090000Z", 0.0),
        ("SUMMARY:a\0da|DTSTART:20250812T090000Z|DURATION:PT1H", 0.0),
    ],
)
def test_what_is_odd_and_can_be_read_is_read(event: str, hours: float, now: datetime) -> None:
    copy = feed.read(calendar(event), zone=BERLIN, known=KNOWN, now=now)
    assert sum((shift.ends_at - shift.starts_at).total_seconds() for shift in copy.shifts) == hours * 3600
    assert all(text.isprintable() for text in copy.unknown)


def test_a_calendar_is_read_apart_and_one_without_end_costs_a_second(now: datetime) -> None:
    text = calendar(WEEKLY)
    here = feed.read(text, zone=BERLIN, known=KNOWN, now=now)
    assert reading.read(text, zone=BERLIN, known=KNOWN, now=now) == here
    with pytest.raises(Invalid, match="no calendar"):
        reading.read(b"<html>", zone=BERLIN, known=KNOWN, now=now)
    endless = calendar(f"{PLAIN}|RRULE:FREQ=DAILY;INTERVAL=0")
    with pytest.raises(FeedFailed, match="too much time"):
        reading.read(endless, zone=BERLIN, known=KNOWN, now=now, seconds=1)


@pytest.mark.parametrize("begins", [b"HTTP/1.1 200 OK\r\nX-Slow: ", b"HTTP/1.1 200 OK\r\n\r\nBEGIN:VCALENDAR\r\n"])
def test_a_server_that_drips_is_given_up(begins: bytes, settings: Settings) -> None:
    settings.ALLOW_NETWORKS = ["127.0.0.1"]
    began = time.monotonic()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def drip() -> None:
            line, _ = listener.accept()
            with suppress(OSError), line:
                line.sendall(begins)
                while True:
                    line.sendall(b"x")
                    time.sleep(0.05)

        Thread(target=drip, daemon=True).start()
        with pytest.raises(FeedFailed, match=r"did not end within 0\.4 s"):
            calendars.fetch(f"http://127.0.0.1:{listener.getsockname()[1]}/", longest=0.4)
    assert time.monotonic() - began < 4


@pytest.mark.parametrize(
    "url",
    ["http://[::1/", "http://h:99999/", "http://h:0/", "http://\udc80/", "http://x\0y/", f"http://{'a' * 300}.b/"],
)
def test_an_address_that_is_none_is_a_failure_and_no_crash(url: str) -> None:
    with pytest.raises(FeedFailed):
        calendars.fetch(url)


@pytest.mark.django_db
@pytest.mark.parametrize("emptied", [calendar(), calendar("SUMMARY:stranger|DTSTART:20250812T090000Z|DURATION:PT1H")])
def test_a_calendar_that_names_nobody_any_more_takes_nobody_off_call(emptied: bytes, team: None, now: datetime) -> None:
    values = {"name": "Imported", "zone": "Europe/Berlin", "feed": "https://example.org/a.ics"}
    planning.define("imported", values, actor=ANNA, reason="", now=now)
    (pk,) = selectors.feeds_due(now=now)

    def refreshed(text: bytes, hours: int) -> bool:
        return feeding.refresh(pk, fetch=lambda _: text, read=feed.read, now=now + timedelta(hours=hours))

    assert refreshed(calendar(), 0), "a calendar may begin empty"
    assert refreshed(calendar(WEEKLY), 1)
    assert not refreshed(emptied, 2)
    row = selectors.schedule_of("imported", now=now)
    kept = selectors.feed_of(row)
    assert kept is not None
    assert "names nobody any more" in kept.error
    assert selectors.plan_of(row).who(now + timedelta(days=8)) == ("ada",)
