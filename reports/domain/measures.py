"""What a weekly report measures: the seed's five kinds of metrics, each with what it means and which way is good.

What is read of each is in `reports.selectors.inputs`; docs/reports.md has the same table for readers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from reports.domain.comparison import Day, Estimate, Kind, estimate


class Section(StrEnum):
    """The seed's collectWeeklyMetrics, by its names."""

    ADOPTION = "featureAdoption"
    PERFORMANCE = "performance"
    ERRORS = "errors"
    FEEDBACK = "userFeedback"
    BUSINESS = "businessImpact"


TITLES = {
    Section.ADOPTION: "Feature adoption",
    Section.PERFORMANCE: "Performance",
    Section.ERRORS: "Errors",
    Section.FEEDBACK: "User feedback",
    Section.BUSINESS: "Business impact",
}


class Better(StrEnum):
    HIGHER = "higher"
    LOWER = "lower"
    NEITHER = ""


@dataclass(frozen=True, slots=True)
class Measure:
    """`unit` is of the figure; of a count it is of the thing, and the figure is so many in a week."""

    key: str
    section: Section
    label: str
    unit: str
    kind: Kind
    better: Better
    meaning: str
    business: bool = False  # told to management

    @property
    def suffix(self) -> str:
        return f"{self.unit} a week".strip() if self.kind is Kind.COUNT else self.unit


_S, _B = Section, Better
MEASURES = {
    measure.key: measure
    for measure in (
        Measure("adoption", _S.ADOPTION, "Adoption", "%", Kind.SHARE, _B.NEITHER, "Melts on the new path, of all."),
        Measure(
            *("success", _S.ADOPTION, "Success", "%", Kind.SHARE, _B.HIGHER),
            "Melts on the new path without an error of that path, of all on it.",
        ),
        Measure("responseTime", _S.PERFORMANCE, "Response time", "ms", Kind.MEAN, _B.LOWER, "Mean of all melts."),
        Measure(
            *("responseTimeP95", _S.PERFORMANCE, "Response time, 95 %", "ms", Kind.MEAN, _B.LOWER),
            "What 95 % of the melts of a day stay below, mean of the days.",
        ),
        Measure("throughput", _S.PERFORMANCE, "Throughput", "TPS", Kind.MEAN, _B.HIGHER, "Melts a second, all day."),
        Measure(
            *("uptime", _S.PERFORMANCE, "Uptime", "%", Kind.MEAN, _B.HIGHER),
            "How often nctool's health address answered.",
            business=True,
        ),
        Measure(
            *("connectionPool", _S.PERFORMANCE, "Connection pool", "%", Kind.MEAN, _B.LOWER),
            "Connections to the database in use, mean.",
        ),
        Measure(
            *("replicationLag", _S.PERFORMANCE, "Replication lag", "ms", Kind.MEAN, _B.LOWER),
            "How far the slowest copy of the database was behind, mean.",
        ),
        Measure("errorRate", _S.ERRORS, "Error rate", "%", Kind.SHARE, _B.LOWER, "Errors, of all melts."),
        Measure("criticalErrors", _S.ERRORS, "Critical errors", "", Kind.COUNT, _B.LOWER, "Of severity CRITICAL."),
        Measure(
            *("discrepancies", _S.ERRORS, "Discrepancies", "", Kind.COUNT, _B.LOWER),
            "Found by the reconciliation, of every severity.",
        ),
        Measure(
            *("transactionFailures", _S.ERRORS, "Failed atomic transactions", "", Kind.COUNT, _B.LOWER),
            "Transactions that were taken back whole.",
        ),
        Measure(
            *("rollbacks", _S.ERRORS, "Rollbacks", "", Kind.COUNT, _B.LOWER),
            "Flags that were rolled back or switched off in an emergency.",
        ),
        Measure(
            *("complaints", _S.FEEDBACK, "Complaints", "", Kind.COUNT, _B.LOWER),
            "Complaints of users; n is how many users.",
            business=True,
        ),
        Measure(
            *("satisfaction", _S.FEEDBACK, "Satisfaction", "of 5", Kind.MEAN, _B.HIGHER),
            "What users answered to the survey.",
            business=True,
        ),
        Measure(
            *("operationSuccess", _S.BUSINESS, "Melts that succeeded", "%", Kind.SHARE, _B.HIGHER),
            "Melts without an error, of all.",
            business=True,
        ),
        Measure("melts", _S.BUSINESS, "Melts", "", Kind.COUNT, _B.HIGHER, "Melts that were tried.", business=True),
        Measure(
            *("incidents", _S.BUSINESS, "Incidents", "", Kind.COUNT, _B.LOWER),
            "Incidents that began, of every level.",
            business=True,
        ),
        Measure(
            *("incidentMinutes", _S.BUSINESS, "Time in incidents", "min", Kind.COUNT, _B.LOWER),
            "Minutes with an open incident of level 2 or 3.",
            business=True,
        ),
        Measure(
            *("timeToRestore", _S.BUSINESS, "Time to restore", "min", Kind.MEAN, _B.LOWER),
            "From the begin of an incident to its recovery, of those that recovered.",
        ),
    )
}
WEEKLY = 7.0  # a count is kept by the day, and told by the week


@dataclass(frozen=True, slots=True)
class Measured:
    """What was read of one measure: a value for each day, None where a day was not measured; quarters where kept.

    `of` is the flag that it is about, where it is about one. `why` tells why nothing is known at all.
    """

    measure: Measure
    of: str = ""
    now: Sequence[Day | None] = ()
    before: Sequence[Day | None] = ()
    baseline: Sequence[Day | None] = ()
    quarters_now: Sequence[Day | None] = ()
    quarters_before: Sequence[Day | None] = ()
    why: str = ""

    @classmethod
    def daily(cls, key: str, spans: Iterable[Iterable[Day | None]], why: str = "") -> Measured:
        """Of what is known by the day alone: the days of the time, of the week before, and of the baseline."""
        now, before, baseline = (tuple(days) for days in spans)
        return cls(MEASURES[key], now=now, before=before, baseline=baseline, why=why)

    @property
    def name(self) -> str:
        """What it is called in tables and rules: `success:atomicMeltOperations`."""
        return f"{self.measure.key}:{self.of}" if self.of else self.measure.key

    @property
    def label(self) -> str:
        return f"{self.measure.label} of {self.of}" if self.of else self.measure.label

    def over(self, days: Sequence[Day | None]) -> Estimate | None:
        """The figure over these days, in the measure's unit."""
        found = estimate(days, self.measure.kind)
        if found is None or self.measure.kind is not Kind.COUNT:
            return found
        variance = None if found.variance is None else found.variance * WEEKLY**2
        return Estimate(found.value * WEEKLY, variance, found.days, found.part, found.of, found.n)

    def value(self, day: Day | None) -> float | None:
        """The figure of one day or quarter: of a count, the count itself."""
        if day is None or day.of <= 0:
            return None
        if self.measure.kind is Kind.COUNT:
            return day.part
        return (100 if self.measure.kind is Kind.SHARE else 1) * day.part / day.of

    def as_dict(self) -> dict[str, Any]:
        """As it is stored, without what is empty."""
        told: dict[str, Any] = {"measure": self.measure.key, "of": self.of, "why": self.why}
        for name in SPANS:
            told[name] = [None if day is None else [clean(number) for number in day] for day in getattr(self, name)]
        return {name: value for name, value in told.items() if value}

    @classmethod
    def read(cls, stored: Mapping[str, Any]) -> Measured:
        """What `as_dict` made."""
        spans = {name: tuple(None if day is None else Day(*day) for day in stored.get(name, ())) for name in SPANS}
        return cls(MEASURES[stored["measure"]], stored.get("of", ""), why=stored.get("why", ""), **spans)


SPANS = ("now", "before", "baseline", "quarters_now", "quarters_before")


def clean(number: float) -> float | int:
    """Nine digits that count: sums that a database adds up in another order stay the same, and so does the digest."""
    rounded = float(f"{number:.9g}")
    return int(rounded) if rounded.is_integer() else rounded
