"""The screens of the core, and what all screens share."""

from core.admin.environment import EnvironmentAdmin
from core.admin.event import EventAdmin
from core.admin.freeze import FreezeAdmin
from core.admin.people import PersonAdmin

__all__ = ["EnvironmentAdmin", "EventAdmin", "FreezeAdmin", "PersonAdmin"]
