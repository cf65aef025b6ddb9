"""The screens of the risk."""

from risk.admin import notes
from risk.admin.register import RiskAdmin
from risk.admin.score import ScoreAdmin

__all__ = ["RiskAdmin", "ScoreAdmin", "notes"]
