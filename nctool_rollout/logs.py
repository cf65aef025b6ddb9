"""What goes into the logs, as a dictConfig."""

from __future__ import annotations

from typing import Any


def config(level: str) -> dict[str, Any]:
    """Everything from this level on to the console, but for what is no news."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"format": "{asctime} {levelname} {name} {message}", "style": "{"}},
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["console"], "level": level},
        "loggers": {
            "django.request": {"level": "ERROR"},
            "django.security.DisallowedHost": {"level": "CRITICAL"},  # whoever scans the network; it gets a 400
            "axes": {"level": "ERROR"},
            "celery.beat": {"level": "WARNING"},  # each tick of the clock is not news
            "celery.worker.strategy": {"level": "WARNING"},
            "celery.app.trace": {"level": "WARNING"},
        },
    }
