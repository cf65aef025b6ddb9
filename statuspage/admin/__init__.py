"""The screens of the status page."""

from statuspage.admin.components import ComponentAdmin
from statuspage.admin.incidents import PublicIncidentAdmin
from statuspage.admin.maintenances import MaintenanceAdmin
from statuspage.admin.subscriptions import SubscriptionAdmin

__all__ = ["ComponentAdmin", "MaintenanceAdmin", "PublicIncidentAdmin", "SubscriptionAdmin"]
