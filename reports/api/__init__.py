"""What machines read of the reports."""

from reports.api.dashboard import router

__all__ = ["router"]
