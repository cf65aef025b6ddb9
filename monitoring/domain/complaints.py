"""What users complain about."""

from __future__ import annotations

from enum import StrEnum


class Category(StrEnum):
    FAILED_PAYMENT = "failed_payment"
    WRONG_BALANCE = "wrong_balance"
    SLOW = "slow"
    UNAVAILABLE = "unavailable"
    OTHER = "other"
