"""The screens of the on-call plans and escalations."""

from oncall.admin import notes as notes
from oncall.admin.chains import ChainAdmin
from oncall.admin.escalations import EscalationAdmin
from oncall.admin.schedules import ScheduleAdmin

__all__ = ["ChainAdmin", "EscalationAdmin", "ScheduleAdmin"]
