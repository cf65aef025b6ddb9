"""Tables of the communications."""

from communications.models.alert import Alert, Delivery
from communications.models.channel import Channel

__all__ = ["Alert", "Channel", "Delivery"]
