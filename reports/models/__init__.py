"""Tables of this app."""

from reports.models.choice import HomeChoice
from reports.models.wall import WallLink

__all__ = ["HomeChoice", "WallLink"]
