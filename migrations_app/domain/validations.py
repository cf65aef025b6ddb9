"""What must be true of the data before and after a migration, declared by the migration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Unchanged:
    """These fields of every document are after the run what they were before it.

    Under live traffic documents may come and go; of those that stay, none may have other values here. So name fields
    that nctool itself never changes once a document is written.
    """

    collection: str
    fields: tuple[str, ...]

    @property
    def title(self) -> str:
        return f"{', '.join(self.fields)} of every document of {self.collection}"


@dataclass(frozen=True, slots=True)
class Balances:
    """Every wallet's unspent tokens and their sum, at one point in time; against its own balance, where it keeps one.

    With writers stopped, each wallet has to be after the run what it was before it. Under live traffic a balance may
    have moved, and only the wallets that break the invariant count.
    """

    tokens: str
    wallets: str
    owner: tuple[str, ...] = ("npub", "mint_url")
    amount: str = "amount"
    unspent: Mapping[str, Any] = field(default_factory=lambda: {"status": "unspent"})
    kept: tuple[str, ...] = ("balance", "unspent_balance")

    @property
    def title(self) -> str:
        return "balance of every wallet"


@dataclass(frozen=True, slots=True)
class NoneLeft:
    """After the run, no document is like this."""

    title: str
    collection: str
    where: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Counted:
    """How many documents are like this, before and after.

    `made_by` names the operation that makes documents be like this, as `data.0`: after the run there are as many more
    as that has changed. With writers stopped anything else is a failure; under live traffic it is told.
    """

    title: str
    collection: str
    where: Mapping[str, Any]
    made_by: str = ""


Validation = Unchanged | Balances | NoneLeft | Counted
