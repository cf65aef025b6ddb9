"""Tables of the plans."""

from plans.models.checklist import Checklist, Item
from plans.models.plan import Phase, Plan, PlanTemplate, Waiver

__all__ = ["Checklist", "Item", "Phase", "Plan", "PlanTemplate", "Waiver"]
