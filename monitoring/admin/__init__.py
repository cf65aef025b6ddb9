"""The screens of the monitoring: measurements, charts, triggers."""

from monitoring.admin import notes
from monitoring.admin.series import SeriesAdmin
from monitoring.admin.triggers import TriggerAdmin

__all__ = ["SeriesAdmin", "TriggerAdmin", "notes"]
