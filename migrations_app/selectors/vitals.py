"""Reads of how nctool's databases do."""

from __future__ import annotations

from migrations_app.adapters import vitals
from migrations_app.adapters.mongo import Unreachable
from migrations_app.adapters.target import connect, is_set_up
from migrations_app.adapters.vitals import Vitals
from migrations_app.models import CashuWallet

__all__ = ["Unreachable", "Vitals", "has_database", "of"]


def has_database(environment: str) -> bool:
    """Whether a database of nctool is set up for the environment."""
    return is_set_up(environment)


def of(environment: str) -> Vitals:
    """Asked now, in at most seven seconds: not inside a transaction.

    Raises Unreachable when the database does not answer, Conflict where none is set up.
    """
    return vitals.ask(connect(environment), CashuWallet._meta.db_table)
