"""The screens of the change requests."""

from approvals.admin import notes as notes
from approvals.admin.request_list import ChangeRequestAdmin

__all__ = ["ChangeRequestAdmin"]
