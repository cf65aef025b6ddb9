"""Wiring only: settings, urls, Celery, beat, playbook loader, roles."""

from nctool_rollout.celery import app as celery_app

__all__ = ["celery_app"]
