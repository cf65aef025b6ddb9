"""Incidents over REST."""

from incidents.api import working
from incidents.api.rest import router

router.add_router("", working.router)

__all__ = ["router"]
