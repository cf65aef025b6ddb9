"""The audit for machines. Only read here."""

from audit.api.rest import router

__all__ = ["router"]
