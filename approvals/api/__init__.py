"""The REST door of the change requests."""

from approvals.api.rest import router

__all__ = ["router"]
