from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import pytest
from django.test import Client
from django.urls import reverse

from communications.models import Announcement
from communications.services import announcing
from core import events
from core.actors import GUARD
from flags.models import Flag
from flags.services import emergency
from statuspage.services import components
from tests.telling import somebody_hears

LIST = "admin:communications_alert_changelist"


@pytest.fixture
def sent(flag: Flag, now: datetime) -> dict[str, Announcement]:
    """One rollback: given up by Slack, sent by mail, drafted for the status page."""
    for kind in ("slack", "email", "status-page"):
        somebody_hears(kind)
    evidence = {"value": 11.8, "threshold": 5.0}
    emergency.roll_back(flag.key, "production", actor=GUARD, reason="errors", now=now, evidence=evidence)
    announcing.announce(now=now)
    found = {row.channel.key: row for row in Announcement.objects.select_related("channel")}
    dead, done, draft = found["slack"], found["email"], found["status-page"]
    dead.state, dead.failed_at, dead.tries, dead.error = "failed", now, 12, "Slack answered 404: no_service"
    done.state, done.sent_at, done.tries = "sent", now, 1
    draft.state, draft.subject, draft.text = "draft", "We are looking into it", "Payments may be slow."
    for row in (dead, done, draft):
        row.save()
    return found


def test_the_list_tells_how_each_announcement_fared(
    client_as: Callable[[str], Client], sent: dict[str, Announcement]
) -> None:
    text = client_as("viewer").get(reverse(LIST)).content.decode()
    for part in ("rollback", "atomicMeltOperations", "slack: given up", "email: sent", "waits for approval", "errors"):
        assert part in text


@pytest.mark.parametrize(("wanted", "found"), [("dead", True), ("waiting", False), ("draft", True), ("nonsense", True)])
def test_alerts_are_filtered_by_the_state_of_their_announcements(
    client_as: Callable[[str], Client], sent: dict[str, Announcement], wanted: str, *, found: bool
) -> None:
    text = client_as("viewer").get(reverse(LIST), {"announcement": wanted}).content.decode()
    assert ("slack: given up" in text) is found


def test_an_alert_shows_its_evidence_who_was_told_and_the_last_error(
    client_as: Callable[[str], Client], sent: dict[str, Announcement]
) -> None:
    page = reverse("admin:communications_alert_change", args=[sent["slack"].alert_id])
    text = client_as("viewer").get(page).content.decode()
    for part in ("11.8", "Rollback id", "no_service", "#ops-alerts", "ops@example.org", "Payments may be slow."):
        assert part in text
    for button in ("Try again", "Read and send"):
        assert button not in text
        assert button in client_as("operator").get(page).content.decode()


def test_what_was_given_up_is_tried_again_with_a_reason(
    client_as: Callable[[str], Client], sent: dict[str, Announcement]
) -> None:
    client, dead = client_as("operator"), sent["slack"]
    address = reverse("admin:communications_retry", args=[dead.pk])
    assert "Say why" in client.post(address, {"reason": ""}).content.decode()
    answer = client.post(address, {"reason": "the webhook is repaired"}, follow=True)
    assert "is in the queue for Slack again" in answer.content.decode()
    dead.refresh_from_db()
    assert (dead.state, dead.failed_at, dead.tries) == ("queued", None, 0)
    assert events.recent().filter(kind="announcement.retried", actor="operator").count() == 1
    assert client.get(address).status_code == 404
    assert client.get(reverse("admin:communications_retry", args=[sent["email"].pk])).status_code == 404


def test_a_draft_is_read_edited_and_sent_and_a_leak_is_refused_in_the_form(
    client_as: Callable[[str], Client], sent: dict[str, Announcement]
) -> None:
    draft = sent["status-page"]
    address = reverse("admin:communications_approve", args=[draft.pk])
    assert client_as("viewer").get(address).status_code == 403
    client = client_as("operator")
    assert "Payments may be slow." in client.get(address).content.decode()
    words = {"subject": "Slow payments", "text": "atomicMeltOperations is off"}
    assert "This goes outside, and names atomicMeltOperations" in client.post(address, words).content.decode()
    client.post(address, words | {"text": "Payments are slow."})
    draft.refresh_from_db()
    assert (draft.state, draft.subject, draft.text) == ("queued", "Slow payments", "Payments are slow.")
    assert draft.decided_by == "operator"


def test_a_draft_is_discarded(client_as: Callable[[str], Client], sent: dict[str, Announcement]) -> None:
    draft = sent["status-page"]
    address = reverse("admin:communications_discard", args=[draft.pk])
    client_as("operator").post(address, {"reason": "not worth a word"})
    draft.refresh_from_db()
    assert draft.state == "discarded"


def test_drafts_of_one_news_are_read_together_and_sent_by_one_word(
    client_as: Callable[[str], Client], sent: dict[str, Announcement]
) -> None:
    draft = sent["status-page"]
    words = {"name": "Wallets", "description": "", "group": "", "translations": {}, "position": 0}
    components.define("wallets", words, actor=GUARD, reason="tests", now=draft.made_at)
    bell = somebody_hears("in-app")
    other = Announcement.objects.create(
        alert=draft.alert, audience=draft.audience, channel=bell, occasion="two", state="draft",
        subject="In the app", text="Slow.", made_at=draft.made_at, due_at=draft.made_at,
    )  # fmt: skip
    address = reverse("admin:communications_approve_all", args=[draft.pk])
    assert client_as("viewer").get(address).status_code == 403
    client = client_as("operator")
    assert "Read and send all" in client.get(reverse("admin:communications_alert_change", args=[draft.alert_id])).text
    page = client.get(address).text
    assert "Payments may be slow." in page
    assert "Slow." in page
    given = {f"subject_{row.pk}": "Slow payments" for row in (draft, other)}
    given |= {f"text_{draft.pk}": "They are slow.", f"text_{other.pk}": "Wait a little."}
    leak = client.post(address, {**given, f"text_{other.pk}": "atomicMeltOperations is off"})
    assert "names atomicMeltOperations" in leak.text
    assert "They go out by" in client.post(address, given, follow=True).text
    assert set(Announcement.objects.filter(pk__in=[draft.pk, other.pk]).values_list("state", flat=True)) == {"queued"}
