"""The screens of the plans."""

from plans.admin import board, checklist, phase, runs

__all__ = ["board", "checklist", "phase", "runs"]
