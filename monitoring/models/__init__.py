"""Tables of the monitoring."""

from monitoring.models.attention import Attention
from monitoring.models.complaint import Complaint
from monitoring.models.error import ErrorEpisode
from monitoring.models.metric import Metric
from monitoring.models.series import Addition, Bucket, Receipt, Rollup, Series, Sketch, Total
from monitoring.models.source import Source
from monitoring.models.trigger import Judgement, Trigger

__all__ = [
    "Addition",
    "Attention",
    "Bucket",
    "Complaint",
    "ErrorEpisode",
    "Judgement",
    "Metric",
    "Receipt",
    "Rollup",
    "Series",
    "Sketch",
    "Source",
    "Total",
    "Trigger",
]
