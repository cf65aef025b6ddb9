"""The REST door of the ramps."""

from rollouts.api.rest import router

__all__ = ["router"]
