"""Settings that contradict each other or leave production unsafe: told before anything starts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import urlsplit

from django.apps import AppConfig
from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Error

from core.addresses import read_networks
from core.errors import Invalid

TAG = "rollout"
REDIS_SCHEMES = ("redis", "rediss", "unix")
MONGODB_SCHEMES = ("mongodb", "mongodb+srv")
LEAST_HISTORY_DAYS = 30


def check(app_configs: Sequence[AppConfig] | None = None, **_: Any) -> list[CheckMessage]:
    """All that is wrong with the settings, each with what to do."""
    found = [*_values(), *_clients(), *_urls(), *_alerts(), *_networks(), *_runner()]
    return [*found, *_production()] if settings.PRODUCTION else found


def _values() -> Iterator[CheckMessage]:
    if not 1 <= settings.PORT <= 65535:
        yield Error(f"PORT={settings.PORT} is not a port.", hint="Use a number from 1 to 65535.", id="rollout.E001")
    for name in ("WEB_PROCESSES", "WORKER_PROCESSES", "SNAPSHOT_POLL_SECONDS", "LOGIN_ATTEMPTS"):
        value = settings.AXES_FAILURE_LIMIT if name == "LOGIN_ATTEMPTS" else getattr(settings, name)
        if value < 1:
            yield Error(f"{name}={value} is too small.", hint="Use 1 or more.", id="rollout.E002")
    if settings.ACCESS_REVIEW_DAYS < 1:
        yield Error(
            f"ACCESS_REVIEW_DAYS={settings.ACCESS_REVIEW_DAYS} is too small.", hint="Use 1 or more.", id="rollout.E002"
        )
    if 0 < settings.EVENTS_RETENTION_DAYS < LEAST_HISTORY_DAYS:
        yield Error(
            f"EVENTS_RETENTION_DAYS={settings.EVENTS_RETENTION_DAYS} forgets what approvals and reports still need.",
            hint=f"Use {LEAST_HISTORY_DAYS} or more, or 0 to keep the history for ever.",
            id="rollout.E010",
        )


def _clients() -> Iterator[CheckMessage]:
    if not 0 <= settings.STREAM_PORT <= 65535 or settings.STREAM_PORT == settings.PORT:
        hint = "Use a number from 1 to 65535 that is not PORT, or 0 for no stream."
        yield Error(f"STREAM_PORT={settings.STREAM_PORT} cannot be used.", hint=hint, id="rollout.E011")
    for name, least in (
        ("STREAM_CONNECTIONS", 1),
        ("USAGE_RETENTION_DAYS", 7),
        ("COMPLAINTS_RETENTION_DAYS", 1),
        ("SEEN_UNITS", 0),
    ):
        if getattr(settings, name) < least:
            hint = f"Use {least} or more."
            yield Error(f"{name}={getattr(settings, name)} is too small.", hint=hint, id="rollout.E002")


def _urls() -> Iterator[CheckMessage]:
    kinds = {
        "REDIS_URL": (settings.REDIS_URL, REDIS_SCHEMES),
        "NCTOOL_MONGODB_URL": (settings.NCTOOL_MONGODB_URL, MONGODB_SCHEMES),
        "PUBLIC_URL": (settings.PUBLIC_URL, ("http", "https")),
        "SELF_URL": (settings.SELF_URL, ("http", "https")),
        "NCTOOL_URL": (settings.NCTOOL_URL, ("http", "https")),
        "STREAM_URL": (settings.STREAM_URL, ("http", "https")),
        "SLACK_WEBHOOK_URL": (settings.SLACK_WEBHOOK_URL, ("http", "https")),
        "ALERTMANAGER_URL": (settings.ALERTMANAGER_URL, ("http", "https")),
    }
    for name, (url, schemes) in kinds.items():
        if url and urlsplit(url).scheme not in schemes:
            hint = f"It must begin with {' or '.join(f'{scheme}://' for scheme in schemes)}"
            yield Error(f"{name} is not an address this can use.", hint=hint, id="rollout.E003")


def _alerts() -> Iterator[CheckMessage]:
    if settings.EMAIL_LISTS["ALERT_EMAILS"] and settings.EMAIL_BACKEND.endswith("console.EmailBackend"):
        yield checks.Warning(
            "ALERT_EMAILS is set and EMAIL_URL is not: alerts by mail only reach the log.",
            hint="Set EMAIL_URL, for example smtp+tls://user:password@mail.example.org:587",
            id="rollout.W001",
        )


def _networks() -> Iterator[CheckMessage]:
    try:
        read_networks(settings.ALLOW_NETWORKS)
    except Invalid as error:
        yield Error("ALLOW_NETWORKS cannot be read.", hint=str(error), id="rollout.E013")


def _runner() -> Iterator[CheckMessage]:
    if settings.RUNNER_PROGRAMS and not settings.RUNNER_DIRECTORY:
        yield Error(
            "RUNNER_PROGRAMS is set, but not where they run.",
            hint="Set RUNNER_DIRECTORY to a checkout of what is deployed.",
            id="rollout.E012",
        )


def _production() -> Iterator[CheckMessage]:
    if settings.DEBUG:
        yield Error(
            "DEBUG is on in production: every error shows settings and data to whoever meets it.",
            hint="Unset DEBUG.",
            id="rollout.E004",
        )
    if not settings.REDIS_URL:
        yield Error(
            "REDIS_URL is not set: production starts no Redis of its own.",
            hint="Set REDIS_URL, for example redis://127.0.0.1:6379/0",
            id="rollout.E005",
        )
    if not settings.ALLOWED_HOSTS:
        yield Error(
            "ALLOWED_HOSTS is empty: every request would be refused.",
            hint="Set ALLOWED_HOSTS to the names that browsers and clients use, separated by commas.",
            id="rollout.E006",
        )
    if not settings.NCTOOL_MONGODB_URL:
        yield checks.Warning(
            "NCTOOL_MONGODB_URL is not set: the pages of nctool's database stay empty.",
            hint="Set NCTOOL_MONGODB_URL, best of a user that can only read.",
            id="rollout.W002",
        )
    if not settings.DATABASE_URL:
        yield checks.Warning(
            "DATABASE_URL is not set: the control plane runs on SQLite in DATA_DIR, on this one machine only.",
            hint="Set DATABASE_URL to a PostgreSQL, or keep DATA_DIR in your backups.",
            id="rollout.W003",
        )
    if not any(settings.CHANNEL_SECRETS.values()) and not settings.EMAIL_LISTS["ALERT_EMAILS"]:
        yield checks.Warning(
            "No variable sets up a channel: until people set one up, a rollback is told in the admin only.",
            hint="Set SLACK_WEBHOOK_URL, SLACK_BOT_TOKEN or PAGERDUTY_ROUTING_KEY, or ALERT_EMAILS with EMAIL_URL.",
            id="rollout.W004",
        )
