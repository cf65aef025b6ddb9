"""Typed readers of environment variables; a bad value stops the process with a sentence.

Every variable can also be given as a file: `SECRET_KEY_FILE=/run/secrets/key` sets `SECRET_KEY`.
"""

from __future__ import annotations

import os
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured


def text(name: str, default: str = "") -> str:
    """The variable, or the content of the file that `<name>_FILE` points to, or the default."""
    path = os.environ.get(f"{name}_FILE")
    if path is None:
        return os.environ.get(name, default)
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ImproperlyConfigured(f"{name}_FILE={path} cannot be read: {error.strerror}.") from error


def boolean(name: str, *, default: bool) -> bool:
    """`on`, `true`, `yes`, `1` or `off`, `false`, `no`, `0`; anything else stops the start."""
    raw = text(name)
    if not raw:
        return default
    if raw.lower() in {"on", "true", "yes", "1"}:
        return True
    if raw.lower() in {"off", "false", "no", "0"}:
        return False
    raise ImproperlyConfigured(f"{name}={raw!r} is not a switch: write on or off.")


def integer(name: str, default: int) -> int:
    """A whole number; anything else stops the start."""
    raw = text(name)
    if not raw:
        return default
    try:
        return int(raw)
    except ValueError as error:
        raise ImproperlyConfigured(f"{name}={raw!r} is not a whole number.") from error


def words(name: str, default: str = "") -> list[str]:
    """A list separated by commas."""
    return [word.strip() for word in text(name, default).split(",") if word.strip()]
