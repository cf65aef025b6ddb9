"""Secrets of channels, encrypted at rest by keys of the settings (CHANNEL_KEYS), the newest first."""

from __future__ import annotations

import base64

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

PURPOSE = b"secrets of channels"


class Unreadable(Exception):
    """It was encrypted by a key that is not among the settings any more."""


def seal(secret: str) -> str:
    return _keys().encrypt(secret.encode()).decode()


def unseal(sealed: str) -> str:
    """Raises Unreadable."""
    try:
        return _keys().decrypt(sealed.encode()).decode()
    except InvalidToken:
        raise Unreadable(
            "The secret cannot be read: CHANNEL_KEYS (or SECRET_KEY) is another one now. Set the secret again."
        ) from None


def seal_anew(sealed: str) -> str:
    """By the newest key. Raises Unreadable."""
    return seal(unseal(sealed))


def _keys() -> MultiFernet:
    given = settings.CHANNEL_KEYS or [settings.SECRET_KEY]
    return MultiFernet([Fernet(_derived(text)) for text in given])


def _derived(text: str) -> bytes:
    """Any text as a key of the right length, and another one than the text is for anything else."""
    key = HKDF(SHA256(), length=32, salt=None, info=PURPOSE).derive(text.encode())
    return base64.urlsafe_b64encode(key)
