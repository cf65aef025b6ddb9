"""Tables of the rollouts."""

from rollouts.models.block import Block
from rollouts.models.level import Level
from rollouts.models.ramp import Ramp, RampStep
from rollouts.models.template import RampTemplate
from rollouts.models.validation import ValidationRun

__all__ = ["Block", "Level", "Ramp", "RampStep", "RampTemplate", "ValidationRun"]
