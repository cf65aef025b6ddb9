"""The screens of the risk."""

from risk.admin import change, notes
from risk.admin.register import RiskAdmin
from risk.admin.score import ScoreAdmin

__all__ = ["RiskAdmin", "ScoreAdmin", "change", "notes"]
