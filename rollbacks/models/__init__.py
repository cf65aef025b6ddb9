from rollbacks.models.application import Application
from rollbacks.models.rollback import Rollback, RollbackStep

__all__ = ["Application", "Rollback", "RollbackStep"]
