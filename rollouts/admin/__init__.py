"""The screens of the rollouts: ramps (list, page, start, one dialog for each command) and validations."""

from rollouts.admin import notes, of_flag, ways_back
from rollouts.admin.ramp_list import RampAdmin
from rollouts.admin.validations import ValidationAdmin

__all__ = ["RampAdmin", "ValidationAdmin", "notes", "of_flag", "ways_back"]
