"""Which bucket a unit (an npub) falls into: the server's functions again, so that both agree.

Golden vectors of both: tests/data/js31.json and tests/data/murmur3.json.
"""

from __future__ import annotations

import mmh3

ANONYMOUS = "anonymous"  # what a missing npub counts as
JS31_BUCKETS = 100
MURMUR3_BUCKETS = 10_000

_MASK = 0xFFFF_FFFF
_INT32_MIN = 0x8000_0000
_CHUNK = 700  # int(text, 31) takes quadratic time
# A code unit c is 31 * (c // 31) + c % 31: two digits of base 31, which int() adds up in C.
_DIGITS = b"0123456789abcdefghijklmnopqrstu"
_LOW = bytes(_DIGITS[unit % 31] for unit in range(256))
_HIGH = bytes(_DIGITS[unit // 31] for unit in range(256))


def js31_bucket(text: str) -> int:
    """0 to 99: Java's `String.hashCode` over UTF-16 code units, `Math.abs`, `% 100`."""
    units = (text or ANONYMOUS).encode("utf-16-le", "surrogatepass")
    hashed = (_sum31(units[0::2]) + 256 * _sum31(units[1::2])) & _MASK
    return (hashed if hashed < _INT32_MIN else _MASK + 1 - hashed) % JS31_BUCKETS


def murmur3_bucket(text: str, salt: str) -> int:
    """0 to 9999: MurmurHash3 (x86, 32 bits, seed 0) of `<salt>:<text>` in UTF-8, modulo 10,000.

    A lone surrogate counts as U+FFFD, which is what JavaScript's TextEncoder makes of it.
    """
    salted = f"{salt}:{text}"
    try:
        units = salted.encode()  # not left to mmh3, which crashes the process on half of a surrogate pair
    except UnicodeEncodeError:
        units = salted.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace").encode()
    return mmh3.hash(units, 0, False) % MURMUR3_BUCKETS


def _sum31(units: bytes) -> int:
    """The polynomial of base 31 over these units, modulo 2**32."""
    total = 0
    for start in range(0, len(units), _CHUNK):
        chunk = units[start : start + _CHUNK]
        part = int(chunk.translate(_LOW), 31) + 31 * int(chunk.translate(_HIGH), 31)
        total = (total * pow(31, len(chunk), _MASK + 1) + part) & _MASK
    return total


class Units:
    """The npubs met so far: their js31 buckets, and those the server has not been told of.

    Without a lock: what two threads do at once is the same work twice, or one npub told later.
    """

    MOST = 20_000
    LONGEST = 200  # characters; longer ones are hashed each time, so that the memory stays bounded
    MOST_FRESH = 1_000  # what one report may hold

    def __init__(self) -> None:
        self.buckets: dict[str, int] = {}
        self._fresh: list[str] = []

    def meet(self, unit: str) -> None:
        """Remember a unit that is not in `buckets`."""
        if len(unit) > self.LONGEST:
            return
        if len(self.buckets) >= self.MOST:
            self.buckets.clear()
        self.buckets[unit] = js31_bucket(unit)
        if unit and unit.isprintable() and len(self._fresh) < self.MOST_FRESH:
            self._fresh.append(unit)

    def take_fresh(self) -> list[str]:
        fresh, self._fresh = self._fresh, []
        return list(dict.fromkeys(fresh))  # threads that met a unit at once have both told it
