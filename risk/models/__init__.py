"""Tables of the risk."""

from risk.models.register import Risk
from risk.models.score import Score

__all__ = ["Risk", "Score"]
