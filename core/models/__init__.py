"""Tables that every app stands on."""

from core.models.environment import Environment
from core.models.event import Event
from core.models.freeze import Freeze, FreezeOverride
from core.models.heartbeat import Heartbeat
from core.models.user import User
from core.models.visit import Visit

__all__ = ["Environment", "Event", "Freeze", "FreezeOverride", "Heartbeat", "User", "Visit"]
