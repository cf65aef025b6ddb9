from reports.models.choice import HomeChoice
from reports.models.report import Remark, Report
from reports.models.setup import ReportSetup
from reports.models.wall import WallLink

__all__ = ["HomeChoice", "Remark", "Report", "ReportSetup", "WallLink"]
