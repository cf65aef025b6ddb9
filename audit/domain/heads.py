"""Heads: the last seal of each chain, signed, to be kept where nobody who can write this database can write."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from core.errors import Invalid


@dataclass(frozen=True, slots=True)
class Head:
    """`digest` in hex, `signature` and `key` (the public key) in base64; both empty: it is not signed."""

    chain: str
    number: int
    digest: str
    sealed_at: str
    signature: str = ""
    key: str = ""

    @property
    def message(self) -> bytes:
        """What is signed: one line that says everything."""
        return f"nctool-rollout audit head 1|{self.chain}|{self.number}|{self.digest}|{self.sealed_at}".encode()

    def to_dict(self) -> dict[str, Any]:
        return {
            "chain": self.chain,
            "number": self.number,
            "digest": self.digest,
            "sealedAt": self.sealed_at,
            "signature": self.signature,
            "key": self.key,
        }


def private_key(text: str) -> Ed25519PrivateKey:
    """The key of these 32 bytes in base64. Raises Invalid."""
    return Ed25519PrivateKey.from_private_bytes(_bytes(text, "AUDIT_KEY"))


def public_text(key: Ed25519PrivateKey) -> str:
    """Its public half, in base64."""
    return base64.b64encode(key.public_key().public_bytes_raw()).decode()


def sign(head: Head, key: Ed25519PrivateKey) -> Head:
    """The same head with its signature."""
    signature = base64.b64encode(key.sign(head.message)).decode()
    return Head(head.chain, head.number, head.digest, head.sealed_at, signature, public_text(key))


def flaw(head: Head, trusted: Sequence[str]) -> str:
    """What is wrong with the signature; "" when a trusted key made it, and when no key is trusted.

    Args:
        trusted: public keys in base64. With none, nothing can be said about a signature.
    """
    if not trusted:
        return ""
    if not head.signature:
        return "is not signed"
    if head.key not in trusted:
        return "is signed by a key that is not known here"
    try:
        key = Ed25519PublicKey.from_public_bytes(_bytes(head.key, "The public key"))
        key.verify(base64.b64decode(head.signature), head.message)
    except (InvalidSignature, binascii.Error, Invalid):
        return "has a wrong signature"
    return ""


def read(text: str | bytes) -> list[Head]:
    """The heads of a file that `audit head --json` wrote, or of the webhook that brought them. Raises Invalid."""
    try:
        found = orjson.loads(text)
        listed = found["heads"] if isinstance(found, dict) else found
        return [of_dict(each) for each in listed]
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError) as error:
        raise Invalid(
            "This is no file of heads: write one by `manage.py audit head --json`, or keep the `heads` of the daily "
            "webhook as they come."
        ) from error


def of_dict(found: Mapping[str, Any]) -> Head:
    """A head as `to_dict` wrote it. Raises KeyError, TypeError and ValueError."""
    return Head(
        str(found["chain"]),
        int(found["number"]),
        bytes.fromhex(found["digest"]).hex(),
        str(found["sealedAt"]),
        str(found.get("signature", "")),
        str(found.get("key", "")),
    )


def _bytes(text: str, what: str) -> bytes:
    try:
        found = base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise Invalid(f"{what} is not base64: `manage.py audit key` makes one.") from error
    if len(found) != 32:
        raise Invalid(f"{what} has {len(found)} bytes and not 32: `manage.py audit key` makes one.")
    return found
