"""Tables of the communications."""

from communications.models.alert import Alert
from communications.models.announcement import Announcement, Delivery
from communications.models.channel import Channel
from communications.models.notification import Notification, Reading
from communications.models.plan import Audience, Route, Wording

__all__ = [
    "Alert",
    "Announcement",
    "Audience",
    "Channel",
    "Delivery",
    "Notification",
    "Reading",
    "Route",
    "Wording",
]
