"""Typed readers of environment variables; a bad value stops the process with a sentence.

Every variable can also be given as a file: `SECRET_KEY_FILE=/run/secrets/key` sets `SECRET_KEY`.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import environ
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


def by_suffix(prefix: str) -> dict[str, str]:
    """Every variable that begins with the prefix, by the rest of its name."""
    names = {name.removesuffix("_FILE") for name in os.environ if name.startswith(prefix)}
    return {name.removeprefix(prefix): text(name) for name in names if name.startswith(prefix)}


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


def choice(name: str, allowed: tuple[str, ...], default: str) -> str:
    """One of the allowed words, in capitals or not."""
    value = text(name) or default
    if value.upper() not in allowed:
        raise ImproperlyConfigured(f"{name}={value!r} is not known: use one of {', '.join(allowed)}.")
    return value.upper()


def zone(name: str, default: str) -> str:
    """The name of a time zone that this machine knows."""
    value = text(name) or default
    try:
        ZoneInfo(value)
    except (ValueError, KeyError, OSError) as error:
        raise ImproperlyConfigured(f"{name}={value!r} is not a time zone: write one like Europe/Berlin.") from error
    return value


def database(name: str) -> dict[str, Any]:
    """The database of a URL; PostgreSQL and SQLite are what the control plane runs on."""
    value = text(name)
    if urlsplit(value).scheme not in {"postgres", "postgresql", "sqlite"}:
        raise ImproperlyConfigured(
            f"{name} is not the URL of a PostgreSQL: write one like postgres://user:password@host:5432/name."
        )
    try:
        return dict(environ.Env.db_url_config(value))
    except ValueError as error:
        raise ImproperlyConfigured(f"{name} cannot be read: {error}.") from error


def mail(name: str, default: str) -> dict[str, Any]:
    """Django's settings for a mail server."""
    try:
        return dict(environ.Env.email_url_config(text(name) or default))
    except (ValueError, ImproperlyConfigured) as error:
        raise ImproperlyConfigured(
            f"{name} cannot be read: {error}. Write one like smtp+tls://user:password@mail.example.org:587."
        ) from error


def control_plane(file: Path) -> dict[str, Any]:
    """SQLite in this file, or what DATABASE_URL names. SQLite takes its write lock at BEGIN (IMMEDIATE)."""
    if text("DATABASE_URL"):
        config = database("DATABASE_URL")
    else:
        config = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(file)}
    if config["ENGINE"].endswith("sqlite3"):
        config["OPTIONS"] = {
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": "PRAGMA journal_mode=WAL;PRAGMA synchronous=NORMAL;",
        }
    else:
        config |= {"CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True}
        options = config.setdefault("OPTIONS", {})
        options.setdefault("connect_timeout", 3)
        options.setdefault("tcp_user_timeout", 10_000)  # ms: a host that vanished must not hold a kill switch back
    return config
