"""What nctool had written before its version 2: tokens without metadata, for migration 002 to find."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from simulator.plan import Wallet

BEGAN = datetime(2025, 6, 2, 8, 0, tzinfo=UTC)
ENDED = datetime(2025, 8, 1, tzinfo=UTC)  # what was made before is never forgotten
VERSION = "2.0.0"  # of the nctool that is played
KINDS = ("received", "received", "melted", "change", "received", "melted", "sent", "melted")
NOTED = 20  # every so many wallets have a melt that somebody has written a note to


def documents(wallets: Iterable[Wallet]) -> Iterator[dict[str, Any]]:
    """Eight spent tokens of each wallet, of June and July 2025."""
    for number, wallet in enumerate(wallets):
        for place, kind in enumerate(KINDS):
            token: dict[str, Any] = {
                "npub": wallet.npub,
                "mint_url": wallet.mint_url,
                "status": "spent",
                "transaction_type": kind,
                "amount": 50 * (place + 1) + number % 50,
                "created_at": BEGAN + timedelta(days=7 * place, minutes=number),
            }
            if kind == "melted" and place == 2 and number % NOTED == 0:
                token["metadata"] = {"note": "refunded by hand"}
            yield token


def mark(kind: str) -> dict[str, Any]:
    """What version 2 writes on every token; a melt of the old path is marked as one, with nothing to clean up later."""
    return {"version": VERSION, **({"legacy": True} if kind == "melted" else {})}
