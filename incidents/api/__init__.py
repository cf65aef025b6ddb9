"""Incidents over REST."""

from incidents.api.rest import router

__all__ = ["router"]
