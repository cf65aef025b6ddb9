"""What each kind of channel is set up with: fields that may be shown, and one secret."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from communications.domain.channels import ChannelKind
from core.addresses import read_url
from core.errors import Invalid
from core.texts import check_text

MOST = 500  # characters of a field
MOST_SECRET = 2000
HERE = ("syslog", "dbus", "kde", "qt", "glib", "gio", "gnome", "windows", "macosx", "blink1")  # of Apprise's services


@dataclass(frozen=True, slots=True)
class Field:
    """A text. `url`: it has to be one of http."""

    name: str
    label: str
    default: str = ""
    required: bool = False
    url: bool = False
    help: str = ""


@dataclass(frozen=True, slots=True)
class Setup:
    """`secret` is what the secret is called; empty: there is none. `optional`: it works without."""

    title: str
    fields: tuple[Field, ...] = ()
    secret: str = ""
    optional: bool = False
    help: str = ""


SETUPS: Mapping[ChannelKind, Setup] = {
    ChannelKind.SLACK: Setup(
        "Slack, by a bot",
        (Field("base_url", "API address", "https://slack.com/api/", url=True),),
        "Bot token (xoxb-…)",
        help="The bot needs the scope chat:write, and has to be invited into each channel.",
    ),
    ChannelKind.SLACK_WEBHOOK: Setup(
        "Slack, by an incoming webhook",
        (),
        "Address of the webhook",
        help="It leads into one channel, without threads.",
    ),
    ChannelKind.PAGERDUTY: Setup(
        "PagerDuty",
        (Field("base_url", "API address", "https://events.pagerduty.com", url=True),),
        "Integration key (Events API v2)",
    ),
    ChannelKind.EMAIL: Setup("E-mail", help="By the mail server of EMAIL_URL."),
    ChannelKind.WEBHOOK: Setup(
        "Webhook",
        (
            Field(
                "url",
                "Address",
                url=True,
                help="Empty: only for subscribers of the status page, each at its own address.",
            ),
        ),
        "Signing secret",
        optional=True,
    ),
    ChannelKind.APPRISE: Setup(
        "Another service, by Apprise", (), "Apprise URL", help="msteams://…, tgram://…, and so on."
    ),
    ChannelKind.ALERTMANAGER: Setup(
        "Alertmanager",
        (
            Field("base_url", "Address", required=True, url=True),
            Field("username", "User", help="Empty: the secret is a bearer token."),
        ),
        "Password or token",
        optional=True,
    ),
    ChannelKind.IN_APP: Setup("In-app notifications", help="The bell of this admin, and GET /api/v1/notifications."),
    ChannelKind.STATUS_PAGE: Setup("Status page"),
}


def read(kind: ChannelKind, given: Mapping[str, Any]) -> dict[str, str]:
    """The fields of a channel, checked; what is not given has its default. Raises Invalid with the field."""
    known = {field.name: field for field in SETUPS[kind].fields}
    unknown = sorted(set(given) - set(known))
    if unknown:
        raise Invalid(
            f"A {kind.value} channel has no {unknown[0]}. It has {', '.join(known) or 'none'}.", field=unknown[0]
        )
    return {name: _value(field, str(given.get(name, "")).strip()) for name, field in known.items()}


def check_secret(kind: ChannelKind, secret: str) -> str:
    """The secret without white space around it; Invalid when it cannot be one."""
    secret = secret.strip()
    if not SETUPS[kind].secret:
        raise Invalid(f"A {kind.value} channel has no secret.", field="secret")
    if not secret or not secret.isprintable() or " " in secret:
        raise Invalid("Give the secret as it is: not empty, and without blanks in it.", field="secret")
    if len(secret) > MOST_SECRET:
        raise Invalid(f"A secret has at most {MOST_SECRET} characters.", field="secret")
    if kind is ChannelKind.SLACK_WEBHOOK:
        read_url(secret, field="secret")
    if kind is ChannelKind.APPRISE and "://" not in secret:
        raise Invalid("An Apprise URL has :// in it, like msteams://…", field="secret")
    if kind is ChannelKind.APPRISE and acts_here(secret):
        raise Invalid("This Apprise URL leads to nobody outside, but to this machine.", field="secret")
    return secret


def acts_here(url: str) -> bool:
    """Whether an Apprise URL writes to this machine or reads a file of it, in place of telling somebody outside."""
    scheme, _, rest = url.partition("://")
    values = [value.lower() for _, value in parse_qsl(rest.partition("?")[2], keep_blank_values=True)]
    return scheme.lower() in HERE or any(value.startswith(("/", "./", "../", "~", "file:")) for value in values)


def _value(field: Field, given: str) -> str:
    value = given or field.default
    if field.required and not value:
        raise Invalid(f"Give the {field.label.lower()}.", field=field.name)
    check_text(value, field=field.name, longest=MOST)
    return read_url(value, field=field.name) if value and field.url else value
