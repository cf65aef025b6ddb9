"""Tables of the status page."""

from statuspage.models.component import Component, ComponentChange
from statuspage.models.incident import IncidentComponent, PublicIncident, PublicUpdate
from statuspage.models.maintenance import Maintenance
from statuspage.models.page import Page
from statuspage.models.subscription import Subscription

__all__ = [
    "Component",
    "ComponentChange",
    "IncidentComponent",
    "Maintenance",
    "Page",
    "PublicIncident",
    "PublicUpdate",
    "Subscription",
]
