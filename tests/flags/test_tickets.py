"""Tickets of the stream: what they open, and for how long."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.signing import Signer
from hypothesis import given
from hypothesis import strategies as st

from core.tokens import digest
from flags.domain.configuration import TokenConfig
from flags.services import tickets, tokens

TOKENS = tuple(TokenConfig(digest(name), name, "production", frozenset({"evaluate"})) for name in ("one", "two"))


@pytest.mark.parametrize(("late", "opens"), [(-1, True), (0, False), (1, False)])
def test_a_ticket_ends(late: int, opens: bool) -> None:
    ticket = tickets.issue(TOKENS[0], expires=1000)
    assert (tickets.owner(ticket, TOKENS, at=1000 + late) is TOKENS[0]) == opens


@given(st.text(max_size=80))
def test_only_what_was_signed_as_a_ticket_opens(text: str) -> None:
    assert tickets.owner(text, TOKENS, at=0) is None
    elsewhere = Signer(salt="sessions").sign(f"{TOKENS[0].digest[:16]}.9999999999")
    assert tickets.owner(elsewhere, TOKENS, at=0) is None


@pytest.mark.django_db
def test_a_ticket_is_asked_for_over_the_api(
    client: Any, settings: Any, flag: Any, operator_actor: Any, now: Any
) -> None:
    _, text = tokens.create("lib", "production", ["snapshot"], actor=operator_actor, now=now)
    _, other = tokens.create("metrics", "production", ["report"], actor=operator_actor, now=now)

    def ask(token: str) -> Any:
        return client.post("/api/v1/stream-tickets", headers={"Authorization": f"Bearer {token}"})

    settings.STREAM_URL = ""
    assert ask(text).status_code == 404
    settings.STREAM_URL = "https://flags.example.org/stream"
    assert ask(other).status_code == 403
    told = ask(text).json()
    assert told["url"].startswith("https://flags.example.org/stream?ticket=")
    assert told["expiresAt"].endswith("Z")
