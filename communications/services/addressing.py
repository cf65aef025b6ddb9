"""Who gets an alert: for each audience that hears of it, its recipients by each of its channels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.conf import settings

import statuspage.selectors
from communications.domain.alerts import TOPICS, AlertType, Topic, level
from communications.domain.channels import ChannelKind
from communications.domain.targets import ROLE
from communications.models import Alert, Channel, Route
from communications.selectors.plan import Planned, subscribers
from core import people
from statuspage.domain.addresses import SubscriberKind

WITHOUT_TARGETS = (ChannelKind.SLACK_WEBHOOK, ChannelKind.PAGERDUTY, ChannelKind.ALERTMANAGER)  # one place each
FOR_SUBSCRIBERS = (AlertType.STATUS_PUBLISHED, AlertType.SUBSCRIPTION_ASKED)
_FAMILY = {ChannelKind.SLACK: "slack", ChannelKind.SLACK_WEBHOOK: "slack", ChannelKind.EMAIL: "email"}


@dataclass(frozen=True, slots=True)
class Letter:
    """One recipient of an audience by one channel; `problem`: why it cannot be sent. No audience: called by name."""

    planned: Planned | None
    channel: Channel
    recipient: str
    problem: str = ""

    @property
    def audience(self) -> str:
        return self.planned.key if self.planned else ""


def letters(alert: Alert, plan: Sequence[Planned]) -> list[Letter]:
    """In the order of the plan; nobody gets the same alert twice by one channel, or in two mailboxes of one address.

    Whoever an event is for by name (`to`) gets it by mail and in the bell, whatever audiences there are; such a person
    hears of that call by no audience too.
    """
    found: dict[tuple[str, str], Letter] = {}
    for letter in (*_called(alert), *_audiences(alert, plan), *_subscribed(alert)):
        found.setdefault(_box(letter), letter)
    return list(found.values())


def _box(letter: Letter) -> tuple[str, str]:
    """Where one person reads it: a mail address or a bell is one, however many channels lead there and however it is
    written; what stands behind another channel is that channel's own."""
    kind = letter.channel.kind
    personal = kind in (ChannelKind.EMAIL, ChannelKind.IN_APP)
    return (kind, letter.recipient.casefold()) if personal else (str(letter.channel.pk), letter.recipient)


def _audiences(alert: Alert, plan: Sequence[Planned]) -> Iterator[Letter]:
    type_, data = AlertType(alert.type), alert.event.data
    if type_ in FOR_SUBSCRIBERS:
        return
    chosen = set(data.get("audiences", [])) | ({data["audience"]} if data.get("audience") else set())
    for planned in plan:
        hears = planned.hears(type_, level(data)) or (planned.key in chosen and not planned.public)
        if not hears:
            continue
        for route in planned.routes:
            published = TOPICS[type_] is Topic.STATUS and route.channel.kind == ChannelKind.STATUS_PAGE
            if route.channel.enabled and not published and _wanted(route.channel, data.get("tell")):
                yield from recipients(planned, route)


def _wanted(channel: Channel, tell: Sequence[str] | None) -> bool:
    """A step of a ramp names the channels that hear of it (monitoring levels)."""
    return tell is None or _FAMILY.get(ChannelKind(channel.kind), channel.kind) in tell


def recipients(planned: Planned, route: Route) -> Iterator[Letter]:
    """Everybody at the end of a route."""
    kind, target = ChannelKind(route.channel.kind), route.target
    if kind in WITHOUT_TARGETS:
        yield Letter(planned, route.channel, "")
    elif kind is ChannelKind.EMAIL:
        yield from _mails(planned, route.channel, target)
    elif kind is ChannelKind.IN_APP and target.startswith(ROLE):
        for name in people.of_role(target.removeprefix(ROLE)):
            yield Letter(planned, route.channel, name)
    else:
        yield Letter(planned, route.channel, target)


def _mails(planned: Planned, channel: Channel, target: str) -> Iterator[Letter]:
    """Of a role those who have an address; when nobody has one, that is told."""
    if target in settings.EMAIL_LISTS:
        addresses = settings.EMAIL_LISTS[target]
    elif target.startswith(ROLE):
        addresses = [address for address in people.of_role(target.removeprefix(ROLE)).values() if address]
        if not addresses:
            yield Letter(planned, channel, target, f"Nobody who is {target.removeprefix(ROLE)} has a mail address.")
    else:
        addresses = [target]
    for address in addresses:
        yield Letter(planned, channel, address)


def _mail(channel: Channel, name: str, address: str) -> Letter:
    problem = "" if address else f"{name} has no mail address, or cannot sign in any more."
    return Letter(None, channel, address or name, problem)


def _called(alert: Alert) -> Iterator[Letter]:
    names = alert.event.data.get("to") or []
    if not names:
        return
    boxes = people.mailboxes(names)
    for channel in Channel.objects.filter(kind__in=[ChannelKind.EMAIL.value, ChannelKind.IN_APP.value], enabled=True):
        for name in names:
            if channel.kind == ChannelKind.EMAIL:
                yield _mail(channel, name, boxes.get(name, ""))
            elif name in boxes:
                yield Letter(None, channel, name)


def _subscribed(alert: Alert) -> Iterator[Letter]:
    """Who hears of what is published, and who is asked whether they want to."""
    type_, data = AlertType(alert.type), alert.event.data
    if TOPICS[type_] is not Topic.STATUS:
        return
    outside = {SubscriberKind.EMAIL: _channel(ChannelKind.EMAIL), SubscriberKind.WEBHOOK: _channel(ChannelKind.WEBHOOK)}
    if type_ is AlertType.SUBSCRIPTION_ASKED:
        found = statuspage.selectors.subscription(int(data["subscription"]))
        asked = [(SubscriberKind(found.kind), found.address, found.language)]
    else:
        told = statuspage.selectors.subscribers(list(data.get("components") or []))
        asked = [(each.kind, each.address, each.language) for each in told]
    spoken = {language: subscribers(language) for *_, language in asked}
    for kind, address, language in asked:
        channel = outside[kind]
        if channel is not None:
            yield Letter(spoken[language], channel, address)


def _channel(kind: ChannelKind) -> Channel | None:
    """The one that is on; of webhooks the one that leads nowhere by itself."""
    found = Channel.objects.filter(kind=kind.value, enabled=True).order_by("key")
    if kind is ChannelKind.WEBHOOK:
        found = found.filter(settings__url="")
    return found.first()
