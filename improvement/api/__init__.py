"""`/api/v1/feedback`, `/actions` and `/lessons`."""

from improvement.api.rest import router

__all__ = ["router"]
