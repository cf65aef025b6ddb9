"""The screens of the KPIs."""

from kpis.admin.board import KpiAdmin

__all__ = ["KpiAdmin"]
