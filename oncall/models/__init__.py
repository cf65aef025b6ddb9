"""Tables of the on-call plans and escalations."""

from oncall.models.escalation import Escalation
from oncall.models.schedule import Chain, Feed, Override, Schedule

__all__ = ["Chain", "Escalation", "Feed", "Override", "Schedule"]
