"""The KPIs for machines."""

from kpis.api.rest import router

__all__ = ["router"]
