"""Where subscribers are told: mail addresses and webhooks, in one form each, so that one subscriber is one row."""

from __future__ import annotations

import re
from enum import StrEnum
from ipaddress import IPv6Address, ip_address
from urllib.parse import urlsplit, urlunsplit

from core.addresses import is_allowed
from core.errors import Invalid

LONGEST = 254  # of a mail address by RFC 5321; webhooks have the same limit
_LOCAL = r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_EMAIL = re.compile(rf"{_LOCAL}@{_LABEL}(?:\.{_LABEL})+")  # as HTML's input type=email, with a dot in the host
_INSIDE = ("localhost", ".localhost", ".local", ".internal", ".lan", ".home.arpa")


class SubscriberKind(StrEnum):
    EMAIL = "email"
    WEBHOOK = "webhook"


def read_address(kind: SubscriberKind, text: str) -> str:
    """The address in the one form in which it is kept. Invalid when nothing could be sent there."""
    text = text.strip()
    if len(text) > LONGEST:
        raise Invalid(f"This address is longer than {LONGEST} characters.", field="address")
    return _read_email(text) if kind is SubscriberKind.EMAIL else _read_webhook(text)


def masked(kind: SubscriberKind, address: str) -> str:
    """Enough to recognise an address one knows: `o…@example.org`, `https://example.org/…`."""
    if kind is SubscriberKind.EMAIL:
        local, _, host = address.rpartition("@")
        return f"{local[:1]}…@{host}"
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}/…"


def network(address: str) -> str:
    """Who asks, for counting: an IPv4 address, or the /64 of an IPv6 one, which one person has to himself."""
    try:
        found = ip_address(address)
    except ValueError:
        return "unknown"
    if isinstance(found, IPv6Address):
        if found.ipv4_mapped:
            return str(found.ipv4_mapped)
        return f"{IPv6Address(int(found) >> 64 << 64)}/64"
    return str(found)


def _read_email(text: str) -> str:
    if not _EMAIL.fullmatch(text) or ".." in text or text.startswith(".") or ".@" in text:
        raise Invalid("This is no mail address. Write it like olga@example.org.", field="address")
    return text.lower()  # no server in use tells them apart, and a flood must not get by on it


def _read_webhook(text: str) -> str:
    """The sender looks again where the name leads, each time: here only what can never be right is refused."""
    try:
        parts = urlsplit(text)
        host, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        raise Invalid(
            "This is no address of a webhook. Write it like https://example.org/hook.", field="address"
        ) from None
    if parts.scheme != "https" or not host or any(character.isspace() or ord(character) < 32 for character in text):
        raise Invalid("A webhook has an address that begins with https://.", field="address")
    if parts.username is not None or parts.password is not None:
        raise Invalid(
            "Leave the name and the password out of the address: put a secret into its path.", field="address"
        )
    if not _is_public(host):
        raise Invalid("This address is inside of a network. A webhook must be reachable from outside.", field="address")
    host = f"[{host}]" if ":" in host else host
    place = f"{host}:{port}" if port not in (None, 443) else host
    return urlunsplit(("https", place, parts.path or "/", parts.query, ""))


def _is_public(host: str) -> bool:
    try:
        return is_allowed(host)
    except ValueError:
        return "." in host and not f".{host}".endswith(_INSIDE) and not host.rpartition(".")[2].isdecimal()
