"""Wallets and tokens in MongoDB, as nctool keeps them.

Works only on wallets of its own: it refuses a database in which it finds any other.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import pymongo
from bson import ObjectId
from pymongo.client_session import ClientSession
from pymongo.errors import ConnectionFailure, PyMongoError

from simulator import history
from simulator.plan import NPUB_MARK, Melt, Wallet

Document = dict[str, Any]

TRIES = 5  # of a transaction that another one stands in the way of
TURNS = 64
AGAIN = "TransientTransactionError"
SPENT_KEPT = 8  # spent tokens a wallet keeps, up to twice as many between two trims: 300 wallets, 5,000 tokens
TOP_UP = 2_000


class Unavailable(Exception):
    """The database did not do the work; nothing more is known."""


class ForeignDatabase(Exception):
    """The database belongs to a real nctool."""


class Broken(Exception):
    """The new path failed, as a fault wants it: its transaction is undone."""


class Spoilt(StrEnum):
    """What a fault does to an atomic melt that is written all the same.

    `double`: it spends a token again that another melt spent. `loss`: its change is not written.
    """

    NOT = ""
    DOUBLE = "double"
    LOSS = "loss"


@dataclass(frozen=True, slots=True)
class Balance:
    """What a wallet can spend, with the tokens it consists of, oldest first."""

    total: int
    tokens: tuple[Document, ...]


class Ledger:
    """`ready` after `open`, until the connection is lost: then everything is Unavailable at once, until `open`."""

    def __init__(self, url: str, database: str) -> None:
        options: dict[str, Any] = {"serverSelectionTimeoutMS": 500, "connectTimeoutMS": 2000, "socketTimeoutMS": 8000}
        self._client: pymongo.MongoClient[Document] = pymongo.MongoClient(url, tz_aware=True, **options)
        self._wallets = self._client[database]["cashuwallets"]
        self._tokens = self._client[database]["cashutokens"]
        self._turns = [threading.Lock() for _ in range(TURNS)]
        self.ready = False

    def close(self) -> None:
        self._client.close()

    def open(self, wallets: Sequence[Wallet], *, with_history: bool = False) -> None:
        """Make the wallets that are missing, and in an empty database what came before version 2.

        Raises ForeignDatabase before anything is written.
        """
        with _told():
            with pymongo.timeout(2):
                self._client.admin.command("ping")
            if self._wallets.find_one({"npub": {"$not": {"$regex": f"^{NPUB_MARK}"}}}) is not None:
                raise ForeignDatabase(
                    "This database holds wallets that are not the simulator's: it plays only in a database of its own."
                )
            self._end_what_was_left_open()
            first = {index["key"][0][0] for index in self._tokens.index_information().values()}
            for field in ("npub", "metadata.operation_id"):
                if field not in first:  # a migration may have put a longer one in its place
                    self._tokens.create_index([(field, 1)])
            self._add(wallets)
            if with_history and self._tokens.find_one({}, {"_id": 1}) is None:
                self._tokens.insert_many(history.documents(wallets))
        self.ready = True

    def _end_what_was_left_open(self) -> None:
        """A client that was killed inside a transaction keeps its documents locked, for a minute or longer.

        The stand-in, which no other client writes to, ends no session that is not named, unless it ends all.
        """
        stand_in = self._client.admin.command("hello").get("setName") == "secantus"
        self._client.admin.command("killAllSessions" if stand_in else "killSessions", [])

    def _add(self, wallets: Sequence[Wallet]) -> None:
        known = {row["npub"] for row in self._wallets.find({}, {"npub": 1})}
        now = datetime.now(UTC)
        fresh = [
            {"npub": wallet.npub, "mint_url": wallet.mint_url, "created_at": now}
            for wallet in wallets
            if wallet.npub not in known
        ]
        if fresh:
            self._wallets.insert_many(fresh)

    def balance(self, wallet: Wallet) -> Balance:
        with self._turn(wallet):
            return self._balance(wallet, None)

    def melt_atomic(self, melt: Melt, *, broken: bool = False, spoilt: Spoilt = Spoilt.NOT) -> None:
        """Proofs spent, change and record in one transaction: all of it or, when it breaks, nothing."""
        operation = str(ObjectId())
        with self._turn(melt.wallet), self._client.start_session() as session:
            for left in reversed(range(TRIES)):
                try:
                    with session.start_transaction():
                        self._melt(melt, operation, session, spoilt)
                        if broken:
                            raise Broken
                    break
                except PyMongoError as error:
                    if not left or isinstance(error, ConnectionFailure) or not error.has_error_label(AGAIN):
                        raise
                    time.sleep(0.02)
            self._trim(melt.wallet)

    def melt_legacy(self, melt: Melt) -> None:
        """The same writes one by one, without a word of the melt: the path of before, in the new version."""
        with self._turn(melt.wallet):
            self._melt(melt, "", None, Spoilt.NOT)
            self._trim(melt.wallet)

    @contextmanager
    def _turn(self, wallet: Wallet) -> Iterator[None]:
        """One after the other for each wallet, as its user does it."""
        if not self.ready:
            raise Unavailable("its wallets are not there yet")
        try:
            with self._turns[hash(wallet.npub) % TURNS], _told():
                yield
        except Unavailable as error:
            self.ready = self.ready and not isinstance(error.__cause__, ConnectionFailure)
            raise

    def _melt(self, melt: Melt, operation: str, session: ClientSession | None, spoilt: Spoilt) -> None:
        """What an atomic melt writes tells of it, so that it can be validated (docs/validation.md)."""
        spent = self._chosen(melt, session)
        if spoilt is Spoilt.DOUBLE:
            spent += self._spent_before(melt.wallet, session)
        ids = [token["_id"] for token in spent]
        by = {"spent_by": operation} if operation else {}
        self._tokens.update_many({"_id": {"$in": ids}}, {"$set": {"status": "spent", **by}}, session=session)
        mark: Document = {"atomic_operation": True, "operation_id": operation} if operation else {}
        record = {**mark, "inputs": ids, "fee": melt.fee} if mark else {}
        written = [_token(melt.wallet, melt.amount, "spent", "melted", record)]
        change = sum(token["amount"] for token in spent) - melt.amount - melt.fee
        if change and spoilt is not Spoilt.LOSS:
            written.append(_token(melt.wallet, change, "unspent", "change", mark))
        self._tokens.insert_many(written, session=session)

    def _chosen(self, melt: Melt, session: ClientSession | None) -> list[Document]:
        """What the wallet pays with; it is topped up where that is not enough."""
        wanted = melt.amount + melt.fee
        balance = self._balance(melt.wallet, session)
        if balance.total < wanted:
            topped_up = _token(melt.wallet, TOP_UP, "unspent", "received", {})
            self._tokens.insert_one(topped_up, session=session)
            balance = Balance(balance.total + TOP_UP, (*balance.tokens, topped_up))
        return _cover(balance, wanted)

    def _spent_before(self, wallet: Wallet, session: ClientSession | None) -> list[Document]:
        """A token that an atomic melt of this wallet has spent already, the newest, if there is one."""
        query = {"npub": wallet.npub, "status": "spent", "spent_by": {"$exists": True}}
        rows = self._tokens.find(query, {"amount": 1}, session=session)
        return sorted(rows, key=lambda row: row["_id"])[-1:]

    def _balance(self, wallet: Wallet, session: ClientSession | None) -> Balance:
        rows = self._tokens.find({"npub": wallet.npub, "status": "unspent"}, {"amount": 1}, session=session)
        tokens = tuple(sorted(rows, key=lambda row: row["_id"]))
        return Balance(sum(token["amount"] for token in tokens), tokens)

    def _trim(self, wallet: Wallet) -> None:
        """Forget the oldest spent tokens of the wallet, so that the collection stays small.

        An atomic melt is forgotten whole: its record and inputs at once, and change of it that is left is money like
        any other. Its record stays marked to the end: without the mark it would look like a melt of the old system.
        """
        fields = {"spent_by": 1, "transaction_type": 1, "metadata.operation_id": 1}
        mine = {"npub": wallet.npub, "status": "spent", "created_at": {"$gte": history.ENDED}}
        rows = list(self._tokens.find(mine, fields))
        if len(rows) < 2 * SPENT_KEPT:
            return
        melts: dict[object, list[ObjectId]] = {}
        for row in sorted(rows, key=lambda row: row["_id"], reverse=True):
            melts.setdefault(_spender(row), []).append(row["_id"])
        ids: list[ObjectId] = []
        gone: list[object] = []
        for melt in sorted(melts, key=lambda melt: melts[melt][0]):
            if len(rows) - len(ids) <= SPENT_KEPT:
                break
            ids += melts[melt]
            gone.append(melt)
        change = {"npub": wallet.npub, "transaction_type": "change", "metadata.operation_id": {"$in": gone}}
        self._tokens.update_many(change, {"$unset": {"metadata.atomic_operation": ""}})
        self._tokens.delete_many({"_id": {"$in": ids}})


@contextmanager
def _told() -> Iterator[None]:
    """The driver's errors as Unavailable, in few words."""
    try:
        yield
    except PyMongoError as error:
        raise Unavailable(str(error).partition(" (configured")[0].partition(", full error")[0]) from error


def _cover(balance: Balance, amount: int) -> list[Document]:
    """The oldest tokens that make up the amount."""
    chosen: list[Document] = []
    for token in balance.tokens:
        if sum(row["amount"] for row in chosen) >= amount:
            break
        chosen.append(token)
    return chosen


def _spender(row: Document) -> object:
    """The melt that a spent token goes with: the one that spent it, or whose record it is; otherwise itself."""
    if row["transaction_type"] == "melted":
        return row.get("metadata", {}).get("operation_id", row["_id"])
    return row.get("spent_by", row["_id"])


def _token(wallet: Wallet, amount: int, status: str, kind: str, metadata: Document) -> Document:
    return {
        "npub": wallet.npub,
        "mint_url": wallet.mint_url,
        "status": status,
        "transaction_type": kind,
        "amount": amount,
        "created_at": datetime.now(UTC),
        "metadata": {**metadata, "version": history.VERSION} if metadata else history.mark(kind),
    }
