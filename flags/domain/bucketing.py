"""Which bucket a unit (an npub) falls into. Frozen: a change of these functions would move users.

`js31` is the seed's hash, so that nctool's own code and this one agree: Java's `String.hashCode` over UTF-16
code units, `Math.abs`, `% 100`. It knows nothing of the flag: the same npubs come first in every js31 flag.
`murmur3` mixes in the flag's salt, so flags are independent, and has steps of 0.01 percent.
Golden vectors of both, made by Node: tests/data/.
"""

from __future__ import annotations

from enum import StrEnum

from mmh3 import mmh3_32_uintdigest


class Bucketing(StrEnum):
    """How a unit finds its bucket. Frozen with the flag: another algorithm would move users."""

    JS31 = "js31"
    MURMUR3 = "murmur3"


ANONYMOUS = "anonymous"  # the seed's stand-in for a missing npub
JS31_BUCKETS = 100
MURMUR3_BUCKETS = 10_000

_MASK = 0xFFFF_FFFF
_INT32_MIN = 0x8000_0000
_CHUNK = 700  # int(text, 31) takes quadratic time
# A code unit c is 31 * (c // 31) + c % 31: two digits of base 31, which int() adds up in C.
_DIGITS = b"0123456789abcdefghijklmnopqrstu"
_LOW = bytes(_DIGITS[unit % 31] for unit in range(256))
_HIGH = bytes(_DIGITS[unit // 31] for unit in range(256))


MEMO_UNITS = 20_000
MEMO_LENGTH = 200  # longer units are hashed each time: the memo must stay small
js31_memo: dict[str, int] = {}  # the bucket does not depend on the flag, so one memo serves every snapshot


def js31_bucket(text: str) -> int:
    """0 to 99: the seed's `hashUser(npub || 'anonymous') % 100`, for every string JavaScript can hold."""
    units = (text or ANONYMOUS).encode("utf-16-le", "surrogatepass")
    hashed = (_sum31(units[0::2]) + 256 * _sum31(units[1::2])) & _MASK
    return (hashed if hashed < _INT32_MIN else _MASK + 1 - hashed) % JS31_BUCKETS  # Math.abs of an int32


def remember_js31(text: str) -> int:
    """The same, faster for plain npubs, and kept in `js31_memo`, which its callers ask first.

    Threads that come at once do the same work twice, no more.
    """
    if not (text.isascii() and 0 < len(text) <= MEMO_LENGTH):
        return js31_bucket(text)
    units = text.encode()
    if len(js31_memo) >= MEMO_UNITS:
        js31_memo.clear()
    hashed = (int(units.translate(_LOW), 31) + 31 * int(units.translate(_HIGH), 31)) & _MASK
    bucket = js31_memo[text] = (hashed if hashed < _INT32_MIN else _MASK + 1 - hashed) % JS31_BUCKETS
    return bucket


def murmur3_bucket(text: str, salt: str) -> int:
    """0 to 9999: MurmurHash3 (x86, 32 bits, seed 0) of `<salt>:<text>` in UTF-8, modulo 10,000.

    A lone surrogate counts as U+FFFD, which is what JavaScript's TextEncoder makes of it.
    """
    salted = f"{salt}:{text}"
    try:
        units = salted.encode()  # mmh3 would take the text itself, and crashes the process on a lone surrogate
    except UnicodeEncodeError:
        units = salted.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace").encode()
    return mmh3_32_uintdigest(units) % MURMUR3_BUCKETS


def _sum31(units: bytes) -> int:
    """The polynomial of base 31 over these units, modulo 2**32."""
    total = 0
    for start in range(0, len(units), _CHUNK):
        chunk = units[start : start + _CHUNK]
        part = int(chunk.translate(_LOW), 31) + 31 * int(chunk.translate(_HIGH), 31)
        total = (total * pow(31, len(chunk), _MASK + 1) + part) & _MASK
    return total
