"""Prometheus' text exposition, as jobs push it to a Pushgateway."""

from __future__ import annotations

import base64
import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from prometheus_client.core import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_openmetrics
from prometheus_client.parser import text_string_to_metric_families as read_text

from core.errors import Invalid
from monitoring.domain.batch import FUTURE, GREATEST, LONGEST_VALUE, MOST_LABELS, PAST, renamed

MOST_SAMPLES = 20_000
GROWING = ("counter", "histogram")  # what is a running total; of a summary its sum and count are
_NAME = re.compile(r"[A-Za-z_:][A-Za-z0-9_:]{0,99}")
_LABEL = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,49}")

Labels = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Sample:
    name: str
    labels: Labels
    at: float
    value: float


@dataclass(slots=True)
class Pushed:
    """What a push holds: gauges, and running totals."""

    gauges: list[Sample] = field(default_factory=list)
    totals: list[Sample] = field(default_factory=list)


def grouping(path: str) -> dict[str, str]:
    """The labels in the address, `job/NAME{/LABEL/VALUE}`; a `LABEL@base64` has its value in base64url.

    Raises Invalid, field `path`.
    """
    parts = path.strip("/").split("/")
    if len(parts) % 2 or parts[0].partition("@")[0] != "job":
        raise Invalid("The address is /metrics/job/NAME, then pairs of a label and its value.", field="path")
    found: dict[str, str] = {}
    for name, value in zip(parts[::2], parts[1::2], strict=True):
        label, at, encoding = name.partition("@")
        if not _LABEL.fullmatch(label) or (at and encoding != "base64") or label in found:
            raise Invalid(f"{name!r:.60} is no label, or stands there twice.", field="path")
        found[label] = _decoded(value) if at else value
    if not found["job"]:
        raise Invalid("The job has a name.", field="path")
    return found


def read(text: str, labels: Mapping[str, str], *, openmetrics: bool, now: float) -> Pushed:
    """The samples of a push, each with the labels of its group. Raises Invalid with the line that cannot be read."""
    found = Pushed()
    try:
        for family in _families(text, openmetrics=openmetrics):
            _take(found, family, labels, now)
    except (ValueError, KeyError, IndexError) as error:
        raise Invalid(
            f"Not Prometheus' text format: {str(error)[:200]}", field=_line(text, openmetrics=openmetrics)
        ) from None
    return found


def _take(found: Pushed, family: Metric, labels: Mapping[str, str], now: float) -> None:
    for sample in family.samples:
        if sample.name.endswith("_created"):
            continue
        if len(found.gauges) + len(found.totals) == MOST_SAMPLES:
            raise Invalid(f"At most {MOST_SAMPLES:,} samples in one push.", field="body")
        at = now if sample.timestamp is None else float(sample.timestamp)
        one = Sample(_name(sample.name), _labels({**sample.labels, **labels}, sample.name), at, float(sample.value))
        if not math.isfinite(one.value):
            continue  # a summary without observations
        if not now - PAST <= at <= now + FUTURE or abs(one.value) > GREATEST:
            raise Invalid(f"{sample.name}: too old, from the future, or too large.", field=sample.name)
        of_summary = family.type == "summary" and sample.name.endswith(("_sum", "_count"))
        growing = family.type in GROWING or of_summary
        if growing and one.value < 0:
            raise Invalid(f"{sample.name}: a counter is not negative.", field=sample.name)
        (found.totals if growing else found.gauges).append(one)


def _name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise Invalid(f"{name!r:.60} is no metric's name of at most 100 characters.", field="body")
    return name


def _labels(labels: Mapping[str, str], name: str) -> Labels:
    if len(labels) > MOST_LABELS + 2:
        raise Invalid(f"{name}: at most {MOST_LABELS + 2} labels.", field=name)
    for value in labels.values():
        if len(value) > LONGEST_VALUE or not value.isprintable():
            raise Invalid(f"{name}: a label is a text of at most {LONGEST_VALUE} printable characters.", field=name)
    return renamed(labels)


def _decoded(value: str) -> str:
    try:
        return base64.urlsafe_b64decode(value + "=" * (-len(value) % 4)).decode()
    except ValueError:
        raise Invalid(f"{value!r:.60} is not base64url of UTF-8.", field="path") from None


def _families(text: str, *, openmetrics: bool) -> Iterable[Metric]:
    read_it: Callable[[str], Iterable[Metric]] = read_openmetrics if openmetrics else read_text
    return read_it(text)


def _line(text: str, *, openmetrics: bool) -> str:
    """The first line that cannot be read by itself."""
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip() and not line.startswith("#"):
            try:
                list(_families(f"{line}\n# EOF\n" if openmetrics else f"{line}\n", openmetrics=openmetrics))
            except (ValueError, KeyError, IndexError):
                return f"line {number}"
    return "body"
