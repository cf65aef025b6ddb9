"""The screens of the monitoring: measurements, charts, triggers."""

from monitoring.admin import figures, notes
from monitoring.admin.series import SeriesAdmin
from monitoring.admin.triggers import TriggerAdmin

__all__ = ["SeriesAdmin", "TriggerAdmin", "figures", "notes"]
