"""Imported calendars: read, fetched from a real server, and guarded."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pytest_django import Settings

from core import events, guarded
from core.addresses import is_allowed, read_networks
from core.errors import Invalid
from oncall import selectors
from oncall.adapters import calendars
from oncall.adapters.ports import FeedFailed
from oncall.domain import feed
from oncall.services import feeding, planning
from tests.oncall.conftest import ANNA, told

BERLIN = ZoneInfo("Europe/Berlin")
KNOWN = {"ada": "ada", "ada@example.org": "ada", "bob": "bob", "ada lovelace": "ada"}


def calendar(*events: str) -> bytes:
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//x//x//EN"]
    for number, event in enumerate(events):
        lines += ["BEGIN:VEVENT", f"UID:{number}", "DTSTAMP:20250801T000000Z", *event.split("|"), "END:VEVENT"]
    return "\r\n".join([*lines, "END:VCALENDAR", ""]).encode()


WEEKLY = (
    "SUMMARY:ada|DTSTART;TZID=Europe/Berlin:20250804T090000|DTEND;TZID=Europe/Berlin:20250811T090000|"
    "RRULE:FREQ=WEEKLY;INTERVAL=2|EXDATE;TZID=Europe/Berlin:20250901T090000"
)


def read(*events: str, now: datetime) -> feed.Copy:
    return feed.read(calendar(*events), zone=BERLIN, known=KNOWN, now=now)


def test_recurring_events_with_exceptions_become_shifts_at_their_local_time(now: datetime) -> None:
    found = read(WEEKLY, now=now)
    assert [f"{shift.starts_at.astimezone(BERLIN):%m-%d %H:%M}" for shift in found.shifts[:4]] == [
        "08-04 09:00",
        "08-18 09:00",
        "09-15 09:00",
        "09-29 09:00",
    ]
    assert found.shifts[-1].starts_at.astimezone(BERLIN).hour == 9  # beyond the change of the clocks
    assert feed.stored(feed.told(found.shifts)) == found.shifts


@pytest.mark.parametrize(
    ("event", "people"),
    [
        ("SUMMARY:Ada Lovelace", ("ada",)),
        ("SUMMARY:On call: bob / ada", ("bob", "ada")),
        ("SUMMARY:first line|ATTENDEE:mailto:Ada@example.org", ("ada",)),
        ("SUMMARY:zoe", ()),
    ],
)
def test_people_are_found_by_attendee_or_title(event: str, people: tuple[str, ...], now: datetime) -> None:
    found = read(f"{event}|DTSTART:20250812T090000Z|DTEND:20250812T170000Z", now=now)
    assert tuple(name for shift in found.shifts for name in shift.people) == people
    assert found.unknown == (() if people else ("zoe",))


def test_a_whole_day_begins_at_midnight_in_the_zone_of_the_schedule(now: datetime) -> None:
    (shift,) = read("SUMMARY:ada|DTSTART;VALUE=DATE:20250812|DTEND;VALUE=DATE:20250813", now=now).shifts
    assert shift.starts_at == datetime(2025, 8, 11, 22, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"<html>login</html>", "no calendar that can be read"),
        (calendar("SUMMARY:ada|DTSTART:20250812T090000Z|DTEND:20250812T090001Z|RRULE:FREQ=SECONDLY"), "within a day"),
        (b"", "no calendar that can be read"),
    ],
)
def test_what_is_no_plan_of_people_is_refused(text: bytes, words: str, now: datetime) -> None:
    with pytest.raises(Invalid, match=words):
        feed.read(text, zone=BERLIN, known=KNOWN, now=now)


class Server:
    """Answers as the test says."""

    def __init__(self) -> None:
        self.status, self.body, self.headers, self.asked = 200, calendar(WEEKLY), {}, 0
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked += 1
                self.send_response(outer.status)
                for name, value in outer.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(outer.body)))
                self.end_headers()
                self.wfile.write(outer.body)

            def log_message(self, *args: Any) -> None:
                """Nothing."""

        self.http = ThreadingHTTPServer(("0.0.0.0", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}/plan.ics"
        threading.Thread(target=self.http.serve_forever, args=(0.01,), daemon=True).start()


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.http.shutdown()
    made.http.server_close()


def test_a_calendar_inside_is_only_fetched_where_the_settings_allow_it(server: Server, settings: Settings) -> None:
    with pytest.raises(FeedFailed, match=r"leads to 127\.0\.0\.1, which is not public"):
        calendars.fetch(server.url)
    with pytest.raises(FeedFailed, match="not public"):
        calendars.fetch(server.url.replace("127.0.0.1", "localhost"))
    assert server.asked == 0
    settings.ALLOW_NETWORKS = ["127.0.0.1"]
    assert calendars.fetch(server.url) == server.body


def test_a_redirect_to_an_address_inside_is_not_followed(server: Server) -> None:
    server.status, server.headers = 302, {"Location": server.url.replace("127.0.0.1", "127.0.0.2")}
    with guarded.session(read_networks(["127.0.0.1"])) as session, pytest.raises(guarded.PrivateAddress):
        session.get(server.url, timeout=5)
    assert server.asked == 1


PRIVATE = (
    *("10.0.0.1", "127.0.0.1", "169.254.169.254", "192.168.1.1", "100.64.0.1", "0.0.0.0", "224.0.0.1"),
    *("::1", "fe80::1%eth0", "fd00::1", "::ffff:10.0.0.1", "2002:0a00:0001::1", "64:ff9b::10.0.0.1"),
)


@pytest.mark.parametrize("address", PRIVATE)
def test_an_address_inside_is_not_public(address: str) -> None:
    assert not is_allowed(address)
    assert is_allowed("8.8.8.8")
    assert is_allowed("2001:4860:4860::8888")


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [(404, b"", "It answers 404"), (500, b"", "It answers 500"), (200, b"x" * 1_100_000, "larger than 1 MB")],
)
def test_what_the_server_does_wrong_is_said(
    status: int, body: bytes, words: str, server: Server, settings: Settings
) -> None:
    settings.ALLOW_NETWORKS = ["127.0.0.1"]
    server.status, server.body = status, body
    with pytest.raises(FeedFailed, match=words):
        calendars.fetch(server.url)


Fetch = Callable[[str], bytes]


@pytest.mark.django_db
def test_the_last_good_copy_stays_when_a_fetch_fails_and_both_are_told_once(team: None, now: datetime) -> None:
    values = {"name": "Imported", "zone": "Europe/Berlin", "feed": "https://example.org/a.ics"}
    planning.define("imported", values, actor=ANNA, reason="", now=now)
    (pk,) = selectors.feeds_due(now=now)
    (made,) = events.recent().filter(kind="schedule.created")
    assert made.after["feed"] == "example.org", "the address is a secret"
    on = now + timedelta(days=8)

    def good(url: str) -> bytes:
        return calendar(WEEKLY, "SUMMARY:zoe|DTSTART:20250812T090000Z|DTEND:20250812T170000Z")

    def bad(url: str) -> bytes:
        raise FeedFailed("It answers 500.")

    def who(at: datetime) -> tuple[str, ...]:
        return selectors.plan_of(selectors.schedule_of("imported", now=at)).who(at)

    assert feeding.refresh(pk, fetch=good, read=feed.read, now=now)
    assert not feeding.refresh(pk, fetch=good, read=feed.read, now=now), "it is not due again"
    assert who(on) == ("ada",)
    for hour in (2, 4):
        assert not feeding.refresh(pk, fetch=bad, read=feed.read, now=now + timedelta(hours=hour))
    row = selectors.schedule_of("imported", now=now)
    kept = selectors.feed_of(row)
    assert kept is not None
    assert (kept.error, kept.unknown, kept.copied_at, who(on)) == ("It answers 500.", ["zoe"], now, ("ada",))
    assert feeding.is_stale(kept, now=now + timedelta(hours=4))
    feeding.refresh(pk, fetch=lambda url: b"no calendar", read=feed.read, now=now + timedelta(hours=6))
    assert who(on) == ("ada",)
    feeding.refresh(pk, fetch=good, read=feed.read, now=now + timedelta(hours=8))
    assert (len(told("schedule.feed_failed")), len(told("schedule.feed_recovered"))) == (1, 1)
    planning.define("imported", {**values, "feed": "https://example.org/b.ics"}, actor=ANNA, reason="", now=on)
    assert who(on) == (), "another address is another calendar"
