"""Which network addresses may be asked, when people type where a request goes (SSRF)."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import urlsplit

from core.errors import Invalid

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
_NAT64 = (ip_network("64:ff9b::/96"), ip_network("64:ff9b:1::/48"))


def read_networks(texts: Sequence[str]) -> tuple[Network, ...]:
    """Networks as `10.1.0.0/16`, or single addresses. Invalid for anything else."""
    found = []
    for text in texts:
        try:
            found.append(ip_network(text))
        except ValueError:
            raise Invalid(f"{text!r} is not a network: write one like 10.1.0.0/16, its first address first.") from None
    return tuple(found)


def is_allowed(text: str, allowed: Sequence[Network] = ()) -> bool:
    """Whether a resolved address is a public one, or in a network that is allowed.

    An IPv6 address that carries an IPv4 address (mapped, 6to4, Teredo, NAT64) is judged by what it carries, too.
    """
    address = ip_address(text.partition("%")[0])
    if any(address in network for network in allowed):
        return True
    return all(_is_public(each) or any(each in network for network in allowed) for each in _all_of(address))


def read_url(text: str, *, field: str = "url") -> str:
    """An http or https address without credentials, as it was given but for blanks around it. Invalid otherwise."""
    text = text.strip()
    if not text.isprintable() or " " in text or "\\" in text:
        raise Invalid("The address has a blank or a sign that no address has.", field=field)
    try:
        parts = urlsplit(text)
        named = bool(parts.hostname) and parts.port != 0
    except ValueError:
        named = False
    if not named or parts.scheme not in ("http", "https"):
        raise Invalid("Give an address like https://host.example.org/path.", field=field)
    if parts.username is not None or parts.password is not None:
        raise Invalid("Leave user and password out of the address: what is shown must hold no secret.", field=field)
    if parts.fragment:
        raise Invalid("Leave the part after # out of the address: it is never sent.", field=field)
    return text


def _all_of(address: Address) -> list[Address]:
    if isinstance(address, IPv4Address):
        return [address]
    carried = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
    if any(address in network for network in _NAT64):
        carried.append(IPv4Address(int(address) & 0xFFFFFFFF))
    found = [each for each in carried if each is not None]
    return list(found) if address.ipv4_mapped else [address, *found]


def _is_public(address: Address) -> bool:
    return address.is_global and not address.is_multicast and not getattr(address, "is_site_local", False)
