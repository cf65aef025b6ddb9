"""The screens of the reports."""

from reports.admin import walls
from reports.admin.report_list import ReportAdmin

__all__ = ["ReportAdmin", "walls"]
