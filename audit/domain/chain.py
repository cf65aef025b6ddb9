"""A chain of seals: each holds the digest of an event and of the seal before it."""

from __future__ import annotations

from hashlib import sha256
from typing import NamedTuple

NOWHERE = ""  # the name of the chain of events that belong to no environment


class Link(NamedTuple):
    """One seal. Times are UTC text to the microsecond; digests are 32 bytes.

    `looked_at`: when the sealer had last sealed everything there was, "" for never. An event that says it happened
    long before that, and was not there then, was written later than it says. `forgotten_by` is the event that tells
    of its forgetting.
    """

    number: int
    event: int
    form: int
    content: bytes
    sealed_at: str
    looked_at: str
    previous: bytes
    digest: bytes
    forgotten_by: int | None = None


def start(name: str) -> bytes:
    """What the first seal of a chain stands on: another one for each chain."""
    return sha256(f"nctool-rollout audit chain 1 {name}".encode()).digest()


def digest(
    number: int, event: int, form: int, content: bytes, sealed_at: str, looked_at: str, previous: bytes
) -> bytes:
    """The digest of a seal: over all it says, the digest of its event's content, and the seal before it."""
    head = f"{number}|{event}|{form}|{sealed_at}|{looked_at}|".encode()
    return sha256(head + content + previous).digest()


def digest_of(link: Link) -> bytes:
    """What the digest of this seal has to be."""
    return digest(*link[:7])
