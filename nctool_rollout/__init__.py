"""Wiring only: settings, urls, Celery, beat, playbook loader, roles, supervisor."""

from core import lifeline

lifeline.tie_family()

from nctool_rollout.celery import app as celery_app  # noqa: E402 - a process that dies while it imports is tied, too

__all__ = ["celery_app"]
