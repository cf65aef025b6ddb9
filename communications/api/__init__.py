"""`/api/v1`: notifications for nctool's users, and what was announced."""

from communications.api.rest import router

__all__ = ["router"]
