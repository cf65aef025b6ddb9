"""From an emergency to a message in Slack and in the mail."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from pytest_django import Settings

from communications import selectors, tasks
from communications.adapters import configured
from communications.adapters.slack import SlackWebhook
from communications.domain.alerts import ChannelName
from communications.domain.delivery import LEASE, MAX_TRIES, Failure
from communications.domain.message import Message
from communications.models import Alert, Delivery
from communications.services import announcing, sending
from core import environments, events, heartbeats
from core.actors import GUARD, Actor
from core.errors import Conflict, NotFound
from flags.services import emergency
from tests.communications.conftest import KEY, SECRET_PATH, Post, Slack, announce

pytestmark = pytest.mark.django_db
SLACK, EMAIL = ChannelName.SLACK, ChannelName.EMAIL


class FakeChannel:
    """Keeps what it was given and answers with the next of `answers`, then with success."""

    def __init__(self, *answers: Failure | None) -> None:
        self.answers, self.sent = list(answers), []

    def send(self, message: Message) -> Failure | None:
        self.sent.append(message)
        return self.answers.pop(0) if self.answers else None


def at(moment: datetime) -> Callable[[], datetime]:
    return lambda: moment


def send(now: datetime, **channels: FakeChannel) -> int:
    named = {ChannelName(name): channel for name, channel in channels.items()}
    return sending.send_due(named, clock=at(now), jitter=lambda: 1.0)


@pytest.mark.usefixtures("flag")
def test_an_emergency_is_an_alert_even_when_nobody_is_configured_to_hear_it(
    operator_actor: Actor, now: datetime
) -> None:
    assert configured.channels() == {}
    emergency.emergency_disable(KEY, "staging", actor=operator_actor, reason="mint is down", now=now)
    tasks.announce()

    alert = Alert.objects.get()
    assert (alert.type, alert.severity, alert.feature) == ("FEATURE_EMERGENCY_DISABLED", "critical", KEY)
    assert (alert.environment.key, alert.at) == ("staging", now)
    assert "Reason: mint is down\nBy: olga" in alert.text.replace(operator_actor.name, "olga")
    assert not alert.deliveries.exists()
    assert "announce" in heartbeats.last()


@pytest.mark.usefixtures("rolled_back")
def test_an_event_is_announced_once_and_other_events_never(now: datetime) -> None:
    assert announcing.announce(channels=[SLACK, EMAIL], now=now) == 1
    assert announcing.announce(channels=[SLACK, EMAIL], now=now) == 0
    assert Alert.objects.count() == 1
    assert Delivery.objects.count() == 2


@pytest.mark.usefixtures("flag")
@pytest.mark.parametrize(("rollback_id", "alerts"), [("", 1), ("rb-1", 0)])
def test_a_trigger_that_rolled_nothing_back_is_told_and_one_that_did_is_told_by_its_rollback(
    rollback_id: str, alerts: int, now: datetime
) -> None:
    events.record(
        "trigger.fired",
        subject="trigger:critical-errors",
        actor=GUARD,
        now=now,
        environment_id=environments.get("production").pk,
        reason="12 critical errors. No flag was raised here that is still on: a person must look.",
        data={"flag": "", "rollback_id": rollback_id, "evidence": {"value": 12.0}},
    )
    assert announcing.announce(channels=[SLACK], now=now) == alerts
    for alert in Alert.objects.all():
        subject = selectors.message(alert).subject
        assert subject == "[CRITICAL] TRIGGER FIRED: critical-errors in production, nothing was rolled back"


def test_slack_gets_text_blocks_and_the_fields_of_the_seed(slack: Slack, rolled_back: str, now: datetime) -> None:
    alert = announce([SLACK], now)
    assert sending.send_due(configured.channels(), clock=at(now), jitter=lambda: 0.0) == 1

    body = slack.received[0]
    assert body["text"] == f"[CRITICAL] ROLLBACK: {KEY} in production is off"
    facts = body["blocks"][1]["text"]["text"]
    assert f"*Rollback id:* {rolled_back}" in facts
    assert "*Value:* 20.1" in facts
    assert "errors &lt;!channel&gt;" in facts
    key = selectors.message(alert).key
    assert body["metadata"]["event_payload"] == {
        "type": "FEATURE_ROLLBACK",
        "feature": KEY,
        "reason": "errors <!channel>",
        "rollbackId": rolled_back,
        "timestamp": now.isoformat(),
        "key": key,
    }
    delivery = alert.deliveries.get()
    assert (delivery.sent_at, delivery.tries, delivery.claimed_until) == (now, 1, None)


def test_the_mail_goes_to_all_recipients_with_a_stable_message_id(post: Post, rolled_back: str, now: datetime) -> None:
    alert = announce([EMAIL], now)
    mail = configured.channels()[EMAIL]
    assert mail.send(selectors.message(alert)) is None
    assert mail.send(selectors.message(alert)) is None

    first, second = post.mails
    assert first["Message-ID"] == second["Message-ID"]
    assert selectors.message(alert).key in first["Message-ID"]
    assert first["To"] == "ops@example.org, lead@example.org"
    assert first["Subject"] == f"[CRITICAL] ROLLBACK: {KEY} in production is off"
    assert f"rollbackId={rolled_back}" in first.get_payload()


@pytest.mark.usefixtures("rolled_back")
def test_a_link_leads_to_the_alert_when_the_system_has_an_address(settings: Settings, now: datetime) -> None:
    settings.PUBLIC_URL = "https://rollout.example/"
    alert = announce([], now)
    assert "Details: https://rollout.example/admin/" in alert.text


@pytest.mark.usefixtures("rolled_back")
@pytest.mark.parametrize(
    ("answer", "error", "wait"),
    [
        ((500, {}, "oops", 0), "HTTP 500: oops", timedelta(seconds=5)),
        ((429, {"Retry-After": "120"}, "slow", 0), "HTTP 429: slow", timedelta(seconds=120)),
        ((404, {}, "no_service", 0), "HTTP 404: no_service", None),
        ((400, {}, "invalid_payload", 0), "HTTP 400: invalid_payload", None),
        ((200, {}, "<html>Please log in</html>", 0), "not the `ok` of a Slack webhook", None),
        ((200, {}, "ok", 2.5), "timed out", timedelta(seconds=5)),
    ],
)
def test_what_slack_answers_decides_when_it_is_tried_again(
    answer: tuple[int, dict[str, str], str, float],
    error: str,
    wait: timedelta | None,
    slack: Slack,
    now: datetime,
    caplog: pytest.LogCaptureFixture,
) -> None:
    slack.answers.append(answer)
    alert = announce([SLACK], now)
    channel = SlackWebhook(slack.url, timeout=1)
    sending.send_due({SLACK: channel}, clock=at(now), jitter=lambda: 1.0)

    delivery = alert.deliveries.get()
    assert error in delivery.error
    assert delivery.sent_at is None
    assert delivery.failed_at == (now if wait is None else None)
    if wait is not None:
        assert delivery.next_try_at == now + wait
        assert sending.send_due({SLACK: channel}, clock=at(now), jitter=lambda: 1.0) == 0
        assert sending.send_due({SLACK: channel}, clock=at(now + wait), jitter=lambda: 1.0) == 1
        bodies = [body["metadata"]["event_payload"]["key"] for body in slack.received]
        assert len(bodies) == 2
        assert len(set(bodies)) == 1
    for part in (slack.url, SECRET_PATH, "XXXXXXXX"):
        assert part not in delivery.error
        assert part not in caplog.text


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:1" + SECRET_PATH, "gopher://x" + SECRET_PATH, "http://x\n" + SECRET_PATH],
    ids=["refused", "no http", "broken"],
)
def test_a_webhook_that_cannot_be_reached_tells_no_secret(
    url: str, now: datetime, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    from tests.communications.test_message import MESSAGE

    failure = SlackWebhook(url, timeout=1).send(MESSAGE)
    assert failure is not None
    told = failure.error + caplog.text + "".join(capsys.readouterr())
    assert "XXXXXXXX" not in told
    assert "T00000000" not in told


@pytest.mark.usefixtures("rolled_back")
@pytest.mark.parametrize(("answer", "dead"), [("451 busy", False), ("554 rejected", True)])
def test_a_mail_server_that_refuses_is_asked_again_only_when_it_may_change_its_mind(
    answer: str, dead: bool, post: Post, now: datetime
) -> None:
    post.refuse = answer
    alert = announce([EMAIL], now)
    sending.send_due(configured.channels(), clock=at(now), jitter=lambda: 1.0)

    delivery = alert.deliveries.get()
    assert answer.split()[0] in delivery.error
    assert (delivery.failed_at is not None) is dead


@pytest.mark.usefixtures("flag")
def test_a_channel_that_fails_is_asked_once_a_run_and_never_starves_the_other(
    operator_actor: Actor, now: datetime
) -> None:
    for environment in ("development", "staging", "production"):
        emergency.emergency_disable(KEY, environment, actor=operator_actor, reason="r", now=now)
    announcing.announce(channels=[SLACK, EMAIL], now=now)
    slack, mail = FakeChannel(Failure("HTTP 500"), Failure("HTTP 500")), FakeChannel()

    assert send(now, slack=slack, email=mail) == 3
    assert (len(slack.sent), len(mail.sent)) == (1, 3)


@pytest.mark.usefixtures("rolled_back")
def test_after_its_last_try_a_delivery_is_dead_and_a_person_can_bring_it_back(
    operator_actor: Actor, now: datetime
) -> None:
    alert = announce([SLACK], now)
    broken = FakeChannel(*[Failure("HTTP 500: oops")] * MAX_TRIES)
    for hours in range(MAX_TRIES + 3):
        send(now + timedelta(hours=hours), slack=broken)
    delivery = selectors.dead().get()
    assert (delivery.tries, delivery.error, len(broken.sent)) == (MAX_TRIES, "HTTP 500: oops", MAX_TRIES)

    later = now + timedelta(days=1)
    sending.retry(delivery.pk, actor=operator_actor, reason="Slack is back", now=later)
    event = events.recent().get(kind="delivery.retried")
    assert (event.reason, event.before["error"]) == ("Slack is back", "HTTP 500: oops")
    with pytest.raises(Conflict, match="still being tried"):
        sending.retry(delivery.pk, actor=operator_actor, reason="again", now=later)
    assert send(later, slack=broken) == 1
    assert alert.deliveries.get().sent_at == later
    with pytest.raises(Conflict, match="was sent"):
        sending.retry(delivery.pk, actor=operator_actor, reason="again", now=later)
    with pytest.raises(NotFound):
        sending.retry(0, actor=operator_actor, reason="again", now=later)


@pytest.mark.usefixtures("rolled_back")
def test_a_channel_that_is_not_configured_any_more_is_told_of(now: datetime) -> None:
    announce([SLACK, EMAIL], now)
    assert send(now, email=FakeChannel()) == 1
    assert selectors.dead().get().error == "slack is not configured any more."


@pytest.mark.usefixtures("rolled_back")
def test_while_a_lease_lasts_nobody_else_sends_and_a_late_sender_does_not_overwrite_the_outcome(now: datetime) -> None:
    alert = announce([SLACK], now)
    rescuer = FakeChannel()

    class Hanging(FakeChannel):
        """While it hangs, others look for work: first within the lease, then after it."""

        def send(self, message: Message) -> Failure | None:
            assert send(now + LEASE - timedelta(seconds=1), slack=rescuer) == 0
            assert send(now + LEASE, slack=rescuer) == 1
            super().send(message)
            return Failure("HTTP 500: too late")

    send(now, slack=Hanging())
    delivery = alert.deliveries.get()
    assert (delivery.sent_at, delivery.error, delivery.fence) == (now + LEASE, "", 2)


@pytest.mark.parametrize(
    ("kind", "subject", "data", "told"),
    [
        (
            "alert.firing",
            "alert:ErrorRate",
            {"rule": "ErrorRate", "severity": "high", "value": 2.5, "runbook": "https://r.example"},
            "[HIGH] ALERT: ErrorRate in production\nAbout: ErrorRate\nEnvironment: production\nReason: why\nBy: olga\n"
            "Value: 2.5\nRunbook: https://r.example",
        ),
        (
            "alert.resolved",
            "alert:ErrorRate",
            {"rule": "ErrorRate", "severity": "critical"},
            "[INFO] RESOLVED: ErrorRate",
        ),
        ("metrics.silent", "environment:production", {}, "[CRITICAL] NO MEASUREMENTS: production in production"),
        ("error.opened", "error:CRITICAL", {"severity": "CRITICAL", "feature": "x"}, "[CRITICAL] NEW ERRORS: CRITICAL"),
        ("error.opened", "error:LOW", {"severity": "LOW"}, ""),
        ("trigger.fired", "trigger:t", {"rollback_id": "rb-1", "flag": KEY}, ""),
        ("alert.acknowledged", "alert:ErrorRate", {"rule": "ErrorRate"}, ""),
    ],
)
def test_what_operations_must_hear_of_is_told_as_loudly_as_it_says(
    kind: str,
    subject: str,
    data: dict[str, object],
    told: str,
    all_environments: None,
    operator_actor: Actor,
    now: datetime,
) -> None:
    where = environments.get("production").pk
    events.record(kind, subject=subject, actor=operator_actor, now=now, environment_id=where, reason="why", data=data)
    announcing.announce(channels=[], now=now)
    assert [alert.text.startswith(told) for alert in Alert.objects.all()] == ([True] if told else [])
