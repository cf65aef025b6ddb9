"""Tickets of the stream: short-lived, so that one in an address or a log is soon worth nothing.

A browser's EventSource sends no header, so what opens the stream has to stand in its address. A ticket opens nothing
else, and only while the token it was made for lives.
"""

from __future__ import annotations

from collections.abc import Iterable

from django.core.signing import BadSignature, Signer

from flags.domain.configuration import TokenConfig
from flags.services.tokens import Scope

CONNECT_SECONDS = 300  # for a client that asks for a ticket each time
OPENED_BY = frozenset({Scope.EVALUATE, Scope.SNAPSHOT})
_PREFIX = 16  # hex digits of the token's digest


def issue(token: TokenConfig, *, expires: int) -> str:
    """A ticket that opens the stream of the token's environment until `expires` (unix seconds)."""
    return _signer().sign(f"{token.digest[:_PREFIX]}.{expires}")


def owner(ticket: str, tokens: Iterable[TokenConfig], *, at: float) -> TokenConfig | None:
    """The live token that the ticket was made for; None when it is forged, too old, or its token is gone."""
    try:
        prefix, _, expires = _signer().unsign(ticket).partition(".")
    except BadSignature:
        return None
    if at >= int(expires):
        return None
    return next((token for token in tokens if token.digest.startswith(prefix)), None)


def _signer() -> Signer:
    return Signer(salt="flags.stream")
