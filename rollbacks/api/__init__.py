"""`/api/v1/rollbacks`."""

from rollbacks.api.rest import router

__all__ = ["router"]
