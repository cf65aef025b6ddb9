"""The pages of complaints and errors: who may, what they tell, and their forms."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from core import beside, events
from core.actors import Actor
from core.environments import get as environment
from flags.domain.change import StateChange
from flags.models import Flag
from flags.services import rollout
from monitoring.domain.complaints import Said
from monitoring.domain.errors import HANDLING
from monitoring.models import Complaint, ErrorEpisode, Series
from monitoring.services import complaints
from tests.monitoring_admin.conftest import KEY, report

pytestmark = pytest.mark.django_db
ClientAs = Callable[[str], Client]
NPUB = "npub1ada" + "q" * 55
COMPLAINTS = "/admin/monitoring/complaint/"
ERRORS = "/admin/monitoring/errorepisode/"
ROLES = ("viewer", "operator", "approver", "administrator")


@pytest.fixture
def complaint(flag: Flag, operator_actor: Actor, now: datetime) -> Complaint:
    said = Said("failed_payment", NPUB, "My money is <b>gone</b>", KEY)
    return complaints.receive("production", said, actor=operator_actor, now=now).complaint


@pytest.fixture
def error(flag: Flag, now: datetime) -> ErrorEpisode:
    return ErrorEpisode.objects.create(
        environment=environment("production"),
        severity="CRITICAL",
        feature=KEY,
        variant="on",
        count=1_234,
        counted_until=int(now.timestamp()),
        first_seen=now - timedelta(minutes=5),
        last_seen=now,
    )


def text_of(client: Client, address: str) -> str:
    return " ".join(client.get(address).content.decode().split())


@pytest.mark.parametrize("role", ROLES)
def test_everybody_with_a_role_sees_and_only_operators_write_down_and_resolve(
    role: str, client_as: ClientAs, complaint: Complaint, error: ErrorEpisode
) -> None:
    client, may = client_as(role), role != "viewer"
    pages = (COMPLAINTS, f"{COMPLAINTS}{complaint.pk}/change/", ERRORS, f"{ERRORS}{error.pk}/change/")
    for address in (*pages, f"{ERRORS}handling/"):
        assert client.get(address).status_code == 200
    assert ("Write down a complaint" in text_of(client, COMPLAINTS)) is may
    resolve = f"{ERRORS}{error.pk}/resolve/"
    assert (resolve in text_of(client, f"{ERRORS}{error.pk}/change/"), resolve in text_of(client, ERRORS)) == (may, may)
    assert [client.get(address).status_code for address in (f"{COMPLAINTS}new/", resolve)] == [200 if may else 403] * 2
    values = {"environment": "production", "npub": "npub1bob", "category": "slow"}
    assert client.post(f"{COMPLAINTS}new/", values).status_code == (302 if may else 403)
    assert client.post(resolve, {"reason": "Mint was restarted"}).status_code == (302 if may else 403)
    error.refresh_from_db()
    assert (error.resolved_by, Complaint.objects.count()) == ((role, 2) if may else ("", 1))


def test_a_stranger_is_sent_to_the_login(client: Client, complaint: Complaint, error: ErrorEpisode) -> None:
    pages = (
        *(COMPLAINTS, f"{COMPLAINTS}new/", f"{COMPLAINTS}{complaint.pk}/change/", f"{COMPLAINTS}in/production/"),
        *(ERRORS, f"{ERRORS}{error.pk}/change/", f"{ERRORS}{error.pk}/resolve/", f"{ERRORS}handling/"),
        f"{ERRORS}of/production/HIGH/",
    )
    for address in pages:
        assert client.get(address)["Location"].startswith("/admin/login/")


def test_a_complaint_is_written_down_with_its_time_and_told_with_the_users_so_far(
    client_as: ClientAs, complaint: Complaint, now: datetime
) -> None:
    client = client_as("operator")
    values = {
        "environment": "production",
        "npub": " npub1bob ",
        "category": "slow",
        "text": "For ever",
        "flag": KEY,
        "at": (now - timedelta(minutes=2)).strftime("%Y-%m-%dT%H:%M"),
    }
    answer = client.post(f"{COMPLAINTS}new/", values, follow=True)
    assert "In Production 2 users have complained in the last 10 minutes." in answer.content.decode()
    row = Complaint.objects.get(npub="npub1bob")
    assert (row.at, row.flag_key, row.received_by) == (now - timedelta(minutes=2), KEY, "operator")


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"npub": ""}, "This field is required"),
        ({"npub": "two words"}, "printable characters without blanks"),
        ({"at": "yesterday"}, "A day and a time"),
        ({"at": "2025-08-12T09:00"}, "in the future"),
        ({"flag": "nosuch"}, "nosuch"),
    ],
)
def test_a_form_that_is_wrong_says_why_and_keeps_what_was_typed(
    values: dict[str, str], words: str, client_as: ClientAs, flag: Flag
) -> None:
    given = {"environment": "production", "npub": NPUB, "category": "slow", "text": "For ever", **values}
    page = client_as("operator").post(f"{COMPLAINTS}new/", given).content.decode()
    assert words in page
    assert "For ever" in page
    assert not Complaint.objects.exists()


def test_a_complaint_is_found_by_its_words_and_its_page_tells_all(client_as: ClientAs, complaint: Complaint) -> None:
    client = client_as("viewer")
    assert "npub1ada…qqqq" in text_of(client, f"{COMPLAINTS}?q=gone")
    assert "npub1ada…qqqq" not in text_of(client, f"{COMPLAINTS}?q=nothing+of+it")
    page = text_of(client, f"{COMPLAINTS}{complaint.pk}/change/")
    assert NPUB in page
    assert "My money is &lt;b&gt;gone&lt;/b&gt;" in page


def test_an_error_tells_how_it_ends_and_resolving_keeps_who_and_what(
    client_as: ClientAs, error: ErrorEpisode, now: datetime
) -> None:
    client = client_as("operator")
    page = text_of(client, f"{ERRORS}{error.pk}/change/")
    for part in ("1,234", "in 5 min", "once 10 min have been reported", "variant on"):
        assert part in page
    client.post(f"{ERRORS}{error.pk}/resolve/", {"reason": "Mint was restarted"})
    assert "Mint was restarted" in text_of(client, f"{ERRORS}{error.pk}/change/")
    assert client.post(f"{ERRORS}{error.pk}/resolve/", {"reason": "again"}).status_code == 409
    event = events.recent().filter(kind="error.resolved").get()
    assert (event.actor, event.reason, event.data["count"]) == ("operator", "Mint was restarted", 1_234)


def test_events_lead_to_their_lists(client_as: ClientAs, flag: Flag) -> None:
    client, pk = client_as("viewer"), environment("production").pk
    address = beside.page_of("error:CRITICAL", "production")
    assert client.get(address)["Location"].endswith(f"?environment__id__exact={pk}&severity__exact=CRITICAL")
    address = beside.page_of("complaints:production", "production")
    assert client.get(address)["Location"].endswith(f"?environment__id__exact={pk}")
    for wrong in ("errorepisode/of/production/ODD/", "errorepisode/of/nosuch/LOW/", "complaint/in/nosuch/"):
        assert client.get(f"/admin/monitoring/{wrong}").status_code == 404


@pytest.mark.parametrize("address", [f"{COMPLAINTS}999/change/", f"{ERRORS}999/change/", f"{ERRORS}abc/change/"])
def test_an_address_without_a_row_is_a_404(address: str, client_as: ClientAs, flag: Flag) -> None:
    assert client_as("operator").get(address).status_code == 404


@pytest.mark.parametrize("address", [COMPLAINTS, ERRORS])
def test_the_lists_ask_the_same_few_questions_however_long(
    address: str, client_as: ClientAs, complaint: Complaint, error: ErrorEpisode
) -> None:
    client = client_as("operator")

    def asked() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert client.get(address).status_code == 200
        return len(queries)

    asked()
    few = asked()
    for number in range(10):
        complaint.pk, complaint.npub = None, f"npub1{number}"
        complaint.save()
        error.pk, error.variant = None, str(number)
        error.save()
    assert asked() == few


def test_error_handling_says_what_it_brings_or_why_that_cannot_be_said(
    client_as: ClientAs, flag: Flag, series: Callable[..., Series], operator_actor: Actor, now: datetime
) -> None:
    client = client_as("viewer")
    assert "There is no flag enhancedErrorHandling here" in text_of(client, f"{ERRORS}handling/")
    assert client.get(f"{ERRORS}handling/?environment=nosuch").status_code == 404
    Flag.objects.update(key=HANDLING)
    on, since = StateChange(enabled=True, percentage=100), now - timedelta(hours=2)
    rollout.change(HANDLING, "production", on, actor=operator_actor, reason="week 3", now=since)
    done = series("melt_operations_total", flag=KEY)
    failed = series("melt_errors_total", flag=KEY, severity="HIGH")
    for ago, errors in ((3, 400), (1, 100)):
        at = int((now - timedelta(hours=ago)).timestamp())
        report(done, at, 10_000)
        report(failed, at, errors)
    page = text_of(client, f"{ERRORS}handling/?environment=production")
    assert "75 % (95 % interval: 69 to 80 %)" in page
    for part in (">400<", ">100<", ">40<", ">10<", "it is on for 100 %"):
        assert part in page
