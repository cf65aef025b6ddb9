"""The screens of the plans."""

from plans.admin import board, checklist, phase

__all__ = ["board", "checklist", "phase"]
