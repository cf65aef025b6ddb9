"""Tables of the rollouts."""

from rollouts.models.ramp import Ramp, RampStep
from rollouts.models.template import RampTemplate
from rollouts.models.validation import ValidationRun

__all__ = ["Ramp", "RampStep", "RampTemplate", "ValidationRun"]
