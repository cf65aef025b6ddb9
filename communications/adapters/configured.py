"""From the row of a channel to what takes its messages."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from django.conf import settings

from communications.adapters import vault
from communications.adapters.alertmanager import Alertmanager
from communications.adapters.anything import Apprise
from communications.adapters.mail import Mail
from communications.adapters.pagerduty import PagerDuty
from communications.adapters.ports import Sender
from communications.adapters.slack import SlackBot, SlackWebhook
from communications.adapters.webhook import Webhook
from communications.domain.channels import ChannelKind
from communications.domain.delivery import Failure
from communications.domain.outgoing import Outgoing, Receipt
from communications.domain.setups import SETUPS
from core.addresses import read_networks

FROM = "secret_from"  # a variable that has the secret, in place of one that is kept


class NotSetUp:
    """A channel that cannot send says why, for good: nothing is tried twelve times."""

    def __init__(self, why: str) -> None:
        self._why = why

    def send(self, message: Outgoing) -> Receipt | Failure:
        return Failure(self._why, permanent=True)


def connect(kind: ChannelKind, fields: Mapping[str, Any], sealed: str) -> Sender:
    """What takes the messages of a channel of this kind. Its secret is opened here and kept nowhere else."""
    try:
        secret = secret_of(fields, sealed)
    except vault.Unreadable as error:
        return NotSetUp(str(error))
    setup = SETUPS[kind]
    if setup.secret and not setup.optional and not secret:
        return NotSetUp(f"It is not set up: there is no {setup.secret.lower()}.")
    given = {field.name: str(fields.get(field.name) or field.default) for field in setup.fields}
    make = _MAKERS.get(kind)
    return make(given, secret) if make else NotSetUp(f"Nothing outside takes a {kind.value} message.")


def secret_of(fields: Mapping[str, Any], sealed: str) -> str:
    """From the settings where the channel says so, else what is kept; "" when there is none. Raises Unreadable."""
    if fields.get(FROM):
        return str(settings.CHANNEL_SECRETS.get(fields[FROM], ""))
    return vault.unseal(sealed) if sealed else ""


_MAKERS: Mapping[ChannelKind, Callable[[Mapping[str, str], str], Sender]] = {
    ChannelKind.SLACK: lambda given, secret: SlackBot(secret, base_url=given["base_url"]),
    ChannelKind.SLACK_WEBHOOK: lambda _, secret: SlackWebhook(secret),
    ChannelKind.PAGERDUTY: lambda given, secret: PagerDuty(secret, base_url=given["base_url"]),
    ChannelKind.EMAIL: lambda _given, _secret: Mail(),
    ChannelKind.WEBHOOK: lambda given, secret: Webhook(
        given["url"], secret, allowed=read_networks(settings.ALLOW_NETWORKS), now=time.time
    ),
    ChannelKind.APPRISE: lambda _, secret: Apprise(secret),
    ChannelKind.ALERTMANAGER: lambda given, secret: Alertmanager(
        given["base_url"], username=given["username"], secret=secret
    ),
}
