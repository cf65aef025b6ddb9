"""Tables of this app."""

from reports.models.report import Remark, Report
from reports.models.setup import ReportSetup

__all__ = ["Remark", "Report", "ReportSetup"]
