"""Tables of the communications."""

from communications.models.alert import Alert, Delivery

__all__ = ["Alert", "Delivery"]
