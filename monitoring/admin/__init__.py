"""The screens of the monitoring: measurements, charts, triggers."""

from monitoring.admin import figures, notes, trigger_replay
from monitoring.admin.catalogue import MetricAdmin
from monitoring.admin.complaints import ComplaintAdmin
from monitoring.admin.errors import ErrorAdmin
from monitoring.admin.series import SeriesAdmin
from monitoring.admin.sources import SourceAdmin
from monitoring.admin.triggers import TriggerAdmin

__all__ = [
    "ComplaintAdmin",
    "ErrorAdmin",
    "MetricAdmin",
    "SeriesAdmin",
    "SourceAdmin",
    "TriggerAdmin",
    "figures",
    "notes",
    "trigger_replay",
]
