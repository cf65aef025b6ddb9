"""Tables of the rollouts."""

from rollouts.models.ramp import Ramp, RampStep
from rollouts.models.template import RampTemplate

__all__ = ["Ramp", "RampStep", "RampTemplate"]
