"""Tables of the alerts."""

from alerting.models.alert import Alert, Received, Silence
from alerting.models.rule import AlertRule

__all__ = ["Alert", "AlertRule", "Received", "Silence"]
