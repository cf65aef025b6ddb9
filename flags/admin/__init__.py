"""The screens of the flags and of the API tokens."""

from flags.admin.flag_list import FlagStateAdmin
from flags.admin.segments import SegmentAdmin
from flags.admin.tokens import ApiTokenAdmin

__all__ = ["ApiTokenAdmin", "FlagStateAdmin", "SegmentAdmin"]
