"""Tables of the plans."""

from plans.models.checklist import Attachment, Checklist, Item
from plans.models.command import CommandRun
from plans.models.plan import Phase, Plan, PlanTemplate, Waiver

__all__ = ["Attachment", "Checklist", "CommandRun", "Item", "Phase", "Plan", "PlanTemplate", "Waiver"]
