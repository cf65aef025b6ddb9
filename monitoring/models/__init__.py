"""Tables of the monitoring."""

from monitoring.models.series import Bucket, Receipt, Series
from monitoring.models.trigger import Judgement, Trigger

__all__ = ["Bucket", "Judgement", "Receipt", "Series", "Trigger"]
