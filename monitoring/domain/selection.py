"""Which series a trigger or a chart looks at."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from core.errors import Invalid
from monitoring.domain.metrics import preferred


@dataclass(frozen=True, slots=True)
class Selection:
    """All series of one metric that carry these labels, whatever other labels they have.

    `source` is the one they come from; empty: the preferred of those that have the metric. Never several together.
    """

    metric: str
    labels: Mapping[str, str] = field(default_factory=dict)
    source: str = ""

    @classmethod
    def read(cls, stored: Mapping[str, Any]) -> Selection:
        """From `{"metric": name, "labels": {…}, "source": key}`; Invalid when it names no metric."""
        metric, labels = stored.get("metric"), stored.get("labels") or {}
        if not isinstance(metric, str) or not metric or not isinstance(labels, Mapping):
            raise Invalid('A selection is {"metric": name, "labels": {…}}.', field="metric")
        if not all(isinstance(key, str) and isinstance(value, str) for key, value in labels.items()):
            raise Invalid("Labels are texts.", field="labels")
        source = stored.get("source") or ""
        if not isinstance(source, str):
            raise Invalid("A source is named by its key.", field="source")
        if set(stored) - {"metric", "labels", "source"}:
            raise Invalid("A selection has a metric, labels and a source, nothing else.", field="metric")
        return cls(metric, dict(labels), source)

    def as_dict(self) -> dict[str, Any]:
        """As it is stored."""
        source = {"source": self.source} if self.source else {}
        return {"metric": self.metric, "labels": dict(self.labels), **source}

    def takes(self, name: str, labels: Mapping[str, str]) -> bool:
        return name == self.metric and all(labels.get(key) == value for key, value in self.labels.items())


def chosen_sources(selections: Sequence[Selection], having: Mapping[str, Collection[str]]) -> dict[str, str]:
    """From which source each metric is read: exactly one, and the same for all of them where one has them all.

    `having` tells the sources that have each metric. A metric that none has is left out.
    """
    named = next((selection.source for selection in selections if selection.source), "")
    metrics = [metric for metric in {selection.metric: None for selection in selections} if having.get(metric)]
    if named:
        return dict.fromkeys(metrics, named)
    shared = set.intersection(*(set(having[metric]) for metric in metrics)) if metrics else set()
    return {metric: preferred(shared or having[metric]) for metric in metrics}
