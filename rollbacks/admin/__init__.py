"""The screens of the rollbacks."""

from rollbacks.admin import notes as notes
from rollbacks.admin.rollback_list import RollbackAdmin

__all__ = ["RollbackAdmin"]
