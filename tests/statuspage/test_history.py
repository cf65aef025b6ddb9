"""The bars and the uptime, and what else the page decides by itself."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import IllegalMove, Invalid
from statuspage.domain.addresses import SubscriberKind, masked, network, read_address
from statuspage.domain.history import DAYS, Change, days, uptime
from statuspage.domain.overall import Indicator, overall
from statuspage.domain.states import INCIDENT, ComponentState, Impact, IncidentState
from statuspage.domain.texts import read_text, read_title
from statuspage.domain.window import Window

NOW = datetime(2025, 8, 11, 9, 0, tzinfo=UTC)
UP, MAJOR, PARTIAL = ComponentState.OPERATIONAL, ComponentState.MAJOR, ComponentState.PARTIAL
LONG_AGO = NOW - timedelta(days=400)


def test_an_outage_over_midnight_is_divided_between_its_days() -> None:
    began = datetime(2025, 8, 9, 23, 30, tzinfo=UTC)
    found = days([Change(LONG_AGO, UP), Change(began, MAJOR), Change(began + timedelta(hours=2), UP)], now=NOW)
    assert len(found) == DAYS
    assert [(str(day.date), day.down / 60) for day in found if day.down] == [("2025-08-09", 30), ("2025-08-10", 90)]
    assert [day.worst for day in found[-3:]] == [MAJOR, MAJOR, UP]


def test_a_partial_outage_counts_for_less_and_a_maintenance_not_at_all() -> None:
    whole = days([Change(LONG_AGO, PARTIAL)], now=NOW, count=2)
    assert uptime(whole) == pytest.approx(70)
    assert uptime(days([Change(LONG_AGO, ComponentState.UNDER_MAINTENANCE)], now=NOW)) == 100


def test_a_new_component_has_no_days_before_it_was_there() -> None:
    found = days([Change(NOW - timedelta(hours=1), UP)], now=NOW)
    assert [day.worst for day in found[-2:]] == [None, UP]
    assert found[-1].known == 3600
    assert uptime(found[:-1]) is None
    assert uptime(found) == 100


@given(
    st.lists(st.tuples(st.integers(0, 120 * 86400), st.sampled_from(ComponentState)), min_size=1, max_size=30),
)
def test_every_second_since_the_first_change_falls_on_one_day_in_one_state(
    steps: list[tuple[int, ComponentState]],
) -> None:
    start = NOW - timedelta(days=120)
    changes = [Change(start + timedelta(seconds=at), state) for at, state in sorted(steps)]
    found = days(changes, now=NOW)
    first = datetime(2025, 5, 14, tzinfo=UTC)
    assert sum(day.known for day in found) == pytest.approx((NOW - max(first, changes[0].at)).total_seconds())
    assert all(day.known <= 86400 for day in found)
    share = uptime(found)
    assert share is None or 0 <= share <= 100


@pytest.mark.parametrize(
    ("states", "impacts", "expected"),
    [
        ((), (), Indicator.NONE),
        ((UP, ComponentState.UNDER_MAINTENANCE), (), Indicator.MAINTENANCE),
        ((ComponentState.DEGRADED, ComponentState.UNDER_MAINTENANCE), (), Indicator.MINOR),
        ((UP,), (Impact.MAJOR, Impact.MINOR), Indicator.MAJOR),
        ((PARTIAL, MAJOR), (Impact.NONE,), Indicator.CRITICAL),
    ],
)
def test_the_page_is_as_bad_as_the_worst_on_it(
    states: tuple[ComponentState, ...], impacts: tuple[Impact, ...], expected: Indicator
) -> None:
    assert overall(states, impacts) is expected


def test_a_postmortem_follows_only_what_is_resolved() -> None:
    for state in IncidentState:
        if state in (IncidentState.RESOLVED, IncidentState.POSTMORTEM):
            assert INCIDENT.move(state, IncidentState.POSTMORTEM)
        else:
            with pytest.raises(IllegalMove):
                INCIDENT.move(state, IncidentState.POSTMORTEM)


@pytest.mark.parametrize(
    ("kind", "text", "kept"),
    [
        ("email", " Olga@Example.ORG ", "olga@example.org"),
        ("email", "o'neil+x@sub.example.org", "o'neil+x@sub.example.org"),
        ("webhook", "https://Hooks.Example.org:443/a?b=1#c", "https://hooks.example.org/a?b=1"),
        ("webhook", "https://example.org:8443", "https://example.org:8443/"),
        ("webhook", "https://[2606:4700::1111]:8443/a", "https://[2606:4700::1111]:8443/a"),
        ("email", "olga", None),
        ("email", "olga@localhost", None),
        ("email", "olga@example.org\nBcc: all@example.org", None),
        ("email", '"a b"@example.org', None),
        ("email", f"{'a' * 300}@example.org", None),
        ("webhook", "http://example.org/", None),
        ("webhook", "https://user:secret@example.org/", None),
        ("webhook", "https://127.0.0.1/", None),
        ("webhook", "https://[::1]/", None),
        ("webhook", "https://10.0.0.8/", None),
        ("webhook", "https://169.254.169.254/latest", None),
        ("webhook", "https://2130706433/", None),
        ("webhook", "https://redis/", None),
        ("webhook", "https://db.internal/", None),
        ("webhook", "https://example.org:99999/", None),
        ("webhook", "javascript:alert(1)", None),
    ],
)
def test_an_address_is_kept_in_one_form_or_refused(kind: str, text: str, kept: str | None) -> None:
    if kept is None:
        with pytest.raises(Invalid):
            read_address(SubscriberKind(kind), text)
    else:
        assert read_address(SubscriberKind(kind), text) == kept


def test_a_masked_address_is_known_only_to_who_knows_it() -> None:
    assert masked(SubscriberKind.EMAIL, "olga@example.org") == "o…@example.org"
    assert masked(SubscriberKind.WEBHOOK, "https://example.org/secret/hook") == "https://example.org/…"


def test_all_addresses_of_one_ipv6_network_count_as_one() -> None:
    assert network("2001:db8:1:2::1") == network("2001:db8:1:2:ffff::9") != network("2001:db8:1:3::1")
    assert network("::ffff:192.0.2.1") == network("192.0.2.1") == "192.0.2.1"
    assert network("not an address") == "unknown"


def test_a_window_is_read_on_the_clocks_of_its_zone() -> None:
    found = Window.read("2025-10-26T02:30", "2025-10-26T03:30", "Europe/Berlin", now=NOW)
    assert (found.starts_at.isoformat(), found.ends_at.isoformat()) == (
        "2025-10-26T00:30:00+00:00",
        "2025-10-26T02:30:00+00:00",
    )


@pytest.mark.parametrize(
    ("starts", "ends", "zone", "field"),
    [
        ("2025-08-12T10:00", "2025-08-12T10:00", "UTC", "ends_at"),
        ("2025-08-12T10:00", "2025-09-20T10:00", "UTC", "ends_at"),
        ("2025-08-10T10:00", "2025-08-10T11:00", "UTC", "ends_at"),
        ("2027-08-12T10:00", "2027-08-12T11:00", "UTC", "starts_at"),
        ("tomorrow", "2025-08-12T10:00", "UTC", "starts_at"),
        ("2025-08-12T10:00Z", "2025-08-12T12:00", "UTC", "starts_at"),
        ("2025-08-12T10:00", "9999-12-31T23:59", "UTC", "ends_at"),
        ("2025-08-12T10:00", "2025-08-12T12:00", "Berlin", "zone"),
    ],
)
def test_a_window_that_cannot_be_names_its_field(starts: str, ends: str, zone: str, field: str) -> None:
    with pytest.raises(Invalid) as refused:
        Window.read(starts, ends, zone, now=NOW)
    assert refused.value.field == field


def test_texts_lose_what_no_reader_can_see() -> None:
    assert read_title("  Pay\x00ments \u202e fail\n") == "Pay ments fail"
    assert read_text("half \ud83d of a pair") == "half  of a pair"
    assert read_text("One\r\ntwo\x07\n") == "One\ntwo"
    for empty in ("", " \n\x00"):
        with pytest.raises(Invalid):
            read_text(empty)
