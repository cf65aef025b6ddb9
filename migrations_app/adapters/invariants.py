"""What must hold in nctool's database at any time, also while it is written to. Only reads.

Each question is one aggregation or one find. A melt that is under way may look wrong for a moment, so whoever asks
looks again and believes only what stays.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from django.db import connections

from migrations_app.adapters.router import ALIAS

STATUSES = ("unspent", "pending", "spent")
TYPES = ("received", "minted", "change", "sent", "melted")
BALANCES = ("balance", "unspent_balance")  # what a wallet calls its balance, where it keeps one
MOST = 50  # offenders that are named, of each invariant
WORK = 20.0  # seconds for all of it
Document = Mapping[str, Any]


class Invariant(StrEnum):
    STATUS = "every token has a known status"
    TYPE = "every token has a known transaction type"
    AMOUNT = "every amount is a number and not negative"
    OWNER = "every token belongs to a wallet"
    WALLET = "no wallet is there twice"
    BALANCE = "every wallet's balance is the sum of its unspent tokens"
    SECRET = "no secret is in two unspent tokens"


@dataclass
class Ledger:
    """What was found: how many there are, and what breaks an invariant, by a name that is the same at every look.

    `balances` is how many wallets keep a balance of their own.
    """

    tokens: dict[str, int] = field(default_factory=dict)
    atomic: int = 0
    wallets: int = 0
    balances: int = 0
    broken: dict[Invariant, set[str]] = field(default_factory=lambda: {each: set() for each in Invariant})


def look() -> Ledger:
    """Look at everything once. Call it inside `mongo.limited(WORK)`."""
    database = connections[ALIAS].database  # type: ignore[attr-defined]
    tokens, wallets = database["cashutokens"], database["cashuwallets"]
    found = Ledger()
    found.tokens = {str(row["_id"]): row["n"] for row in _grouped(tokens, "$status")}
    found.atomic = tokens.count_documents({"metadata.atomic_operation": True})
    for invariant, wrong in (
        (Invariant.STATUS, {"status": {"$nin": list(STATUSES)}}),
        (Invariant.TYPE, {"transaction_type": {"$nin": list(TYPES)}}),
        (Invariant.AMOUNT, {"$or": [{"amount": {"$lt": 0}}, {"amount": {"$not": {"$type": "number"}}}]}),
    ):
        found.broken[invariant] = {f"token {row['_id']}" for row in tokens.find(wrong, {"_id": 1}).limit(MOST)}
    found.broken[Invariant.SECRET] = {f"secret {_short(row['_id'])}" for row in tokens.aggregate(_TWICE)}
    _compare(found, _unspent(tokens), wallets.find({}, {"npub": 1, "mint_url": 1, **dict.fromkeys(BALANCES, 1)}))
    return found


_TWICE = [
    {"$match": {"status": "unspent", "proofs.secret": {"$exists": True}}},
    {"$unwind": "$proofs"},
    {"$group": {"_id": "$proofs.secret", "n": {"$sum": 1}}},
    {"$match": {"n": {"$gt": 1}}},
    {"$limit": MOST},
]


def _grouped(tokens: Any, by: str) -> Iterator[Document]:
    yield from tokens.aggregate([{"$group": {"_id": by, "n": {"$sum": 1}}}])


def _unspent(tokens: Any) -> dict[tuple[str, str], int]:
    """What each npub can spend at each mint, by its tokens; 0 where all are spent."""
    amount = {"$cond": [{"$eq": ["$status", "unspent"]}, "$amount", 0]}
    owner = {"npub": "$npub", "mint_url": "$mint_url"}
    rows = tokens.aggregate([{"$group": {"_id": owner, "unspent": {"$sum": amount}}}], allowDiskUse=True)
    return {_owner(row["_id"]): row["unspent"] for row in rows}


def _compare(found: Ledger, unspent: dict[tuple[str, str], int], wallets: Iterable[Document]) -> None:
    """Wallets against the sums of their tokens."""
    seen: defaultdict[tuple[str, str], int] = defaultdict(int)
    for wallet in wallets:
        owner = _owner(wallet)
        seen[owner] += 1
        kept = next((wallet[name] for name in BALANCES if wallet.get(name) is not None), None)
        if kept is not None:
            found.balances += 1
            if kept != unspent.get(owner, 0):
                found.broken[Invariant.BALANCE].add(_named(owner))
    found.wallets = sum(seen.values())
    found.broken[Invariant.WALLET] = {_named(owner) for owner, times in seen.items() if times > 1}
    found.broken[Invariant.OWNER] = {_named(owner) for owner in unspent if owner not in seen}


def _owner(row: Document) -> tuple[str, str]:
    return str(row.get("npub")), str(row.get("mint_url"))


def _named(owner: tuple[str, str]) -> str:
    """An npub is personal: enough of it to find the wallet here, by searching how it begins."""
    return f"wallet {owner[0][:16]}… at {owner[1][:60]}"


def _short(secret: object) -> str:
    """Whoever knows a secret can spend it."""
    return f"{str(secret)[:6]}…"
