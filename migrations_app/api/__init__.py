"""Migrations over `/api/v1`."""

from migrations_app.api.rest import router

__all__ = ["router"]
