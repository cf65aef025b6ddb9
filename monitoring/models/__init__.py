"""Tables of the monitoring."""

from monitoring.models.series import Addition, Bucket, Receipt, Series
from monitoring.models.trigger import Judgement, Trigger

__all__ = ["Addition", "Bucket", "Judgement", "Receipt", "Series", "Trigger"]
