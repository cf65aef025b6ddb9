"""placeholder until the bucketing lands"""

from __future__ import annotations

from enum import StrEnum


class Bucketing(StrEnum):
    """How a unit finds its bucket. Frozen with the flag: another algorithm would move users."""

    JS31 = "js31"
    MURMUR3 = "murmur3"
