"""Which series a trigger or a chart looks at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from core.errors import Invalid


@dataclass(frozen=True, slots=True)
class Selection:
    """All series of one metric that carry these labels, whatever other labels they have."""

    metric: str
    labels: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, stored: Mapping[str, Any]) -> Selection:
        """From `{"metric": name, "labels": {…}}`; Invalid when it names no metric."""
        metric, labels = stored.get("metric"), stored.get("labels") or {}
        if not isinstance(metric, str) or not metric or not isinstance(labels, Mapping):
            raise Invalid('A selection is {"metric": name, "labels": {…}}.', field="metric")
        if not all(isinstance(key, str) and isinstance(value, str) for key, value in labels.items()):
            raise Invalid("Labels are texts.", field="labels")
        if set(stored) - {"metric", "labels"}:
            raise Invalid("A selection has a metric and labels, nothing else.", field="metric")
        return cls(metric, dict(labels))

    def as_dict(self) -> dict[str, Any]:
        """As it is stored."""
        return {"metric": self.metric, "labels": dict(self.labels)}

    def takes(self, name: str, labels: Mapping[str, str]) -> bool:
        return name == self.metric and all(labels.get(key) == value for key, value in self.labels.items())
