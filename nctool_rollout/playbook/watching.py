"""The parts of a playbook about what is measured, watched and feared."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from monitoring.domain.verdict import Action, Measure
from nctool_rollout.playbook.fields import Duration, FlagKey, Key, LongKey, Name, Part, Seconds


class Metric(Part):
    """One row of the catalogue: what a metric means, and how it is computed from what is reported."""

    title: Name
    unit: Annotated[str, Field(max_length=20, description="%, ms, s, TPS; none for a count.")] = ""
    meaning: Annotated[str, Field(min_length=1, max_length=2000)]
    group: Name
    owner: Name
    better: Annotated[Literal["lower", "higher", ""], Field(description="Which way is good.")] = ""
    warning: Annotated[float | None, Field(description="Where the band of a chart begins.")] = None
    critical: float | None = None
    query: Annotated[
        str, Field(max_length=2000, description="PromQL; none for one that is reported or computed by the product.")
    ] = ""


class Alert(Part):
    """People are alerted when the condition has held for the duration."""

    name: Name
    condition: Annotated[str, Field(max_length=500, description="Like `avg_response_time > 3s`.")]
    duration: Duration = "0"
    keep_firing: Duration = "0"
    severity: Annotated[str, Field(max_length=20, description="critical, high, warning or info.")]
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    runbook: Annotated[str, Field(max_length=500)] = ""
    enabled: bool = True
    environments: Annotated[
        list[Key] | None, Field(description="Those in which triggers are armed, when left out.")
    ] = None


class PrometheusRule(Part):
    """An alert as a rule file of Prometheus has it."""

    alert: Name
    expr: Annotated[str, Field(max_length=2000)]
    for_: Annotated[Duration, Field(alias="for")] = "0"
    keep_firing_for: Annotated[Duration, Field(alias="keep_firing_for")] = "0"
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    enabled: bool = True


class AlertGroup(Part):
    """A rule group of Prometheus."""

    name: Name
    interval: Annotated[Duration | None, Field(description="Of Prometheus; every rule is evaluated each 15 s.")] = None
    rules: Annotated[list[PrometheusRule], Field(min_length=1, max_length=200)]
    environments: Annotated[
        list[Key] | None, Field(description="Those in which triggers are armed, when left out.")
    ] = None
    source: Annotated[
        str, Field(max_length=60, description="The Prometheus that evaluates it; here over what is kept, if left out.")
    ] = ""


class Query(Part):
    """What is asked of a Prometheus, one value for each series."""

    query: Annotated[str, Field(min_length=1, max_length=2000)]
    kind: Annotated[Literal["gauge", "counter"], Field(description="A counter's value is a running total.")] = "gauge"


class Source(Part):
    """A server that measurements are pulled from. Secrets come from the environment: docs/sources.md."""

    name: Name
    environments: Annotated[list[Key], Field(min_length=1)]
    kind: Literal["prometheus", "probe"]
    url: Annotated[str, Field(max_length=500, description="May begin with ${NCTOOL_URL}.")]
    auth: Literal["none", "bearer", "basic"] = "none"
    timeout_seconds: Annotated[float, Field(ge=0.5, le=30)] = 5
    interval_seconds: Annotated[int, Field(ge=10, le=3600)] = 10
    queries: Annotated[dict[str, Query], Field(description="By the metric they become.")] = {}
    enabled: bool = True


class Selection(Part):
    """All series of one metric that carry these labels, of one source."""

    metric: Annotated[str, Field(min_length=1, max_length=200)]
    labels: dict[str, str] = {}
    source: Annotated[str, Field(max_length=60, description="The one that reports it, when left out.")] = ""


class RollsBack(StrEnum):
    FLAG = "flag"
    LAST_RAISED = "lastRaised"


class Trigger(Part):
    """A rule that rolls back by itself, armed in these environments. docs/adr/0006-guard.md explains the numbers."""

    name: Name
    environments: Annotated[list[Key], Field(min_length=1)]
    enabled: bool = True
    measure: Measure
    numerator: Selection
    denominator: Annotated[Selection | None, Field(description="Of a ratio; of a rise or canary of a rate.")] = None
    threshold: Annotated[
        float, Field(ge=0, description="Percent (ratio, drop), milliseconds (mean) or a count; breached above it.")
    ]
    window_seconds: Seconds
    max_window_seconds: Annotated[
        Seconds | None, Field(description="How long a window waits for its samples; windowSeconds if left out.")
    ] = None
    min_samples: Annotated[int, Field(ge=0)] = 0
    consecutive: Annotated[int, Field(ge=1, description="Breaches in a row that fire.", le=100)] = 1
    target: Annotated[RollsBack, Field(description="What it rolls back: its flag, or the flag raised last.")]
    flag: Annotated[FlagKey | None, Field(description="Of target flag.")] = None
    actions: Annotated[
        list[Action], Field(min_length=1, max_length=4, description="What it does when it fires, in this order.")
    ] = [Action.ROLLBACK]
    observe: Annotated[bool, Field(description="Only tell what it would do.")] = False
    percentile: Annotated[int, Field(ge=0, le=99, description="Of a mean: this must be above, too; 0: none.")] = 0
    clear_threshold: Annotated[
        float | None, Field(ge=0, description="Once breached, a window passes again only below this.")
    ] = None
    cooldown_seconds: Annotated[int, Field(ge=0, le=86_400, description="After re-arming, before it fires again.")] = 0
    alpha: Annotated[float | None, Field(gt=0, lt=1, description="How often chance may make it err.")] = None
    factor: Annotated[float | None, Field(ge=1, description="Of a canary: times the control that are fine.")] = None
    phase: Annotated[str, Field(max_length=60, description="The part of the strategy it belongs to.")] = ""


class Risk(Part):
    """A risk of the register: what may happen, and what is done about it."""

    risk: Annotated[str, Field(min_length=1, max_length=200)]
    probability: Literal["LOW", "MEDIUM", "HIGH"]
    impact: Literal["LOW", "MEDIUM", "HIGH", "CRITICAL"]
    mitigation: list[Annotated[str, Field(min_length=1, max_length=300)]] = []
    owner: Annotated[str, Field(max_length=120)] = ""
    triggers: Annotated[list[LongKey], Field(description="Those that mitigate it.")] = []
    ramps: Annotated[list[LongKey], Field(description="Those that mitigate it.")] = []
    alerts: Annotated[list[Name], Field(description="The alert rules that mitigate it.")] = []
