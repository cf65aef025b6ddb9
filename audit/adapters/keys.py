"""The key that signs heads, and the public keys that are trusted. The key stands in no database."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings

from audit.domain import heads


def signing() -> Ed25519PrivateKey | None:
    """The key of AUDIT_KEY; None when there is none, and heads stay unsigned. Raises Invalid."""
    return heads.private_key(settings.AUDIT_KEY) if settings.AUDIT_KEY else None


def public() -> str:
    """What others check signatures with, in base64; "" without a key."""
    key = signing()
    return heads.public_text(key) if key else ""


def trusted() -> list[str]:
    """The own public key, and those of AUDIT_PUBLIC_KEYS: of former keys, or of a signer elsewhere."""
    return [key for key in (public(), *settings.AUDIT_PUBLIC_KEYS) if key]
