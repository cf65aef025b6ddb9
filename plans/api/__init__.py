"""`/api/v1/plans`."""

from plans.api.rest import router

__all__ = ["router"]
