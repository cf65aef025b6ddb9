"""The admin of the communications."""

from communications.admin.alerts import AlertAdmin
from communications.admin.bell import NotificationAdmin
from communications.admin.channels import ChannelAdmin
from communications.admin.plan import AudienceAdmin

__all__ = ["AlertAdmin", "AudienceAdmin", "ChannelAdmin", "NotificationAdmin"]
