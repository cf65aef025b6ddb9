"""The screens of the ramps: list, page, start, and one dialog for each command."""

from rollouts.admin import notes, of_flag
from rollouts.admin.ramp_list import RampAdmin

__all__ = ["RampAdmin", "notes", "of_flag"]
