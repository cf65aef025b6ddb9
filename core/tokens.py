"""Tokens that open something without a sign-in: shown once, kept as their digest."""

from __future__ import annotations

import hashlib
import secrets


def new(prefix: str = "") -> str:
    """A token of 256 random bits behind a word that tells what it opens, such as `wall_`."""
    return f"{prefix}{secrets.token_urlsafe(32)}"


def digest(token: str) -> str:
    """SHA-256 in hex. A token is random enough that a slow hash would add nothing."""
    return hashlib.sha256(token.encode()).hexdigest()
