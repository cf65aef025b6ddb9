"""The screens of the incidents."""

from incidents.admin import notes as notes
from incidents.admin.incident_list import IncidentAdmin

__all__ = ["IncidentAdmin"]
