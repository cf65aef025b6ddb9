"""The reports over `/api/v1`."""

from reports.api.rest import router

__all__ = ["router"]
