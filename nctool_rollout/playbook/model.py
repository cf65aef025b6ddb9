"""A playbook, format 1: a rollout strategy as data.

docs/playbook.md explains it; docs/playbook.schema.json is made of these classes.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.alias_generators import to_camel

from flags.domain.bucketing import Bucketing
from flags.domain.change import MAX_NPUB_LENGTH
from flags.domain.values import ValueType
from monitoring.domain.rule import LONGEST_WINDOW
from monitoring.domain.verdict import Action, Measure
from rollouts.domain.states import MonitoringLevel

Name = Annotated[str, Field(min_length=1, max_length=120)]
Text = Annotated[str, Field(max_length=200)]
Key = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,40}$")]
LongKey = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,60}$")]
FlagKey = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,100}$")]
Npub = Annotated[str, Field(pattern=r"^\S+$", max_length=MAX_NPUB_LENGTH)]
Percent = Annotated[Decimal, Field(ge=0, le=100)]
Seconds = Annotated[int, Field(ge=10, le=LONGEST_WINDOW, multiple_of=10)]


class Part(BaseModel):
    """Every part knows its keys: a misspelt one is an error. The file writes them in camel case, as the seed does."""

    model_config = ConfigDict(
        extra="forbid", strict=True, frozen=True, alias_generator=to_camel, validate_by_name=False, allow_inf_nan=False
    )


class FlagStart(Part):
    """How a flag stands at the start."""

    enabled: bool = False
    rollout_percentage: Percent = Decimal(0)
    allowed_users: list[Npub] = []
    parameters: dict[str, Any] = {}


class Variant(Part):
    """A value by its name."""

    key: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,100}$")]
    value: Any


class Feature(FlagStart):
    """A flag, and how it stands at the start wherever an environment says nothing else."""

    name: Name
    description: Annotated[str, Field(max_length=2000)] = ""
    bucketing: Annotated[Bucketing, Field(description="Decides who comes first; never changed afterwards.")]
    group: Annotated[str, Field(max_length=64, description="murmur3 flags of one group share their buckets.")] = ""
    value_type: Annotated[ValueType, Field(alias="type")] = ValueType.BOOLEAN
    variants: Annotated[list[Variant], Field(max_length=20, description="Of a boolean flag: on and off.")] = []
    parameter_schema: Annotated[dict[str, Any], Field(description="JSON Schema without references.")] = {}


class FlagHere(Part):
    """How a flag stands at the start in one environment; what is left out is as in deploymentConfig."""

    enabled: bool | None = None
    rollout_percentage: Percent | None = None
    allowed_users: list[Npub] | None = None
    parameters: Annotated[dict[str, Any] | None, Field(description="All of them, not a patch.")] = None


class AlertThresholds(Part):
    """Above (throughput: below) which people are alerted: percent, milliseconds, operations a second."""

    error_rate: Annotated[float, Field(ge=0)] | None = None
    response_time: Annotated[float, Field(ge=0)] | None = None
    throughput: Annotated[float, Field(ge=0)] | None = None


class Monitoring(Part):
    alert_thresholds: AlertThresholds = AlertThresholds()


class DeploymentConfig(Part):
    version: Annotated[str, Field(min_length=1, max_length=40)]
    features: dict[FlagKey, Feature]
    monitoring: Monitoring = Monitoring()


class Environment(Part):
    """A place the flags have a state in. Their order in the file is the order of promotion."""

    name: Annotated[str, Field(min_length=1, max_length=80)]
    protected: Annotated[bool, Field(description="Every change needs a reason.")] = False
    zone: Annotated[str, Field(max_length=60, description="IANA name: when its people work. None: TIME_ZONE.")] = ""
    purpose: Text = ""
    database: Text = ""
    features: Text = ""
    monitoring: Text = ""
    same_flags_as: Annotated[Key | None, Field(description="Flags stand at the start as in this environment.")] = None
    flags: dict[FlagKey, FlagHere] = {}


class Step(Part):
    """One step of a ramp; `parameters` is a patch of the flag's parameters."""

    label: Annotated[str, Field(min_length=1, max_length=40)]
    week: Annotated[int, Field(ge=1, le=52)]
    day: Annotated[int, Field(ge=1, le=7)] = 1
    percentage: Percent
    allow_list_only: bool = False
    parameters: dict[str, Any] = {}
    monitoring: MonitoringLevel = MonitoringLevel.STANDARD
    soak_seconds: Annotated[int, Field(ge=0, description="Of PASS before this step.")] = 3600


class Ramp(Part):
    name: Name
    flag: FlagKey
    steps: Annotated[list[Step], Field(min_length=1, max_length=50)]


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


Duration = Annotated[str, Field(pattern=r"^(0|(\d+w)?(\d+d)?(\d+h)?(\d+m)?(\d+s)?)$", max_length=20)]


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


class AlertGroup(Part):
    """A rule group of Prometheus."""

    name: Name
    interval: Annotated[
        Duration | None, Field(description="Of Prometheus; here every rule is evaluated each 15 s.")
    ] = None
    rules: Annotated[list[PrometheusRule], Field(min_length=1, max_length=200)]
    environments: Annotated[
        list[Key] | None, Field(description="Those in which triggers are armed, when left out.")
    ] = None


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


class ApprovalRule(Part):
    """A change of this kind needs other people's approval."""

    above: Annotated[
        Annotated[Decimal, Field(ge=0, le=100_000, decimal_places=2)],
        Field(description="Where it begins: points of reach of a raise within a day, npubs of an allow-list."),
    ] = Decimal(0)
    approvals: Annotated[int, Field(ge=1, le=3, description="By different people.")] = 1
    expires_after_hours: Annotated[int, Field(ge=1, le=2160, description="Of a request nobody decided on.")] = 72


class Approvals(Part):
    """Which changes of an environment need approval. docs/approvals.md explains the kinds."""

    raise_: Annotated[ApprovalRule | None, Field(alias="raise")] = None
    allow_list: ApprovalRule | None = None
    parameters: ApprovalRule | None = None
    targeting: ApprovalRule | None = None
    promotion: ApprovalRule | None = None
    ramp: ApprovalRule | None = None
    rules: Annotated[ApprovalRule | None, Field(description="Of these rules themselves, when they loosen.")] = None


def _as_text(value: Any) -> Any:
    """YAML takes a date or time without quotes for more than text."""
    return value.isoformat() if isinstance(value, date) else value


class Freeze(Part):
    """A time in which nothing is raised, promoted or released there. docs/freezes.md explains it."""

    name: Name
    reason: Annotated[str, Field(min_length=1, max_length=2000)]
    environments: Annotated[list[Key], Field(min_length=1)]
    zone: Annotated[str, Field(max_length=60, description="IANA name.")] = "UTC"
    starts: Annotated[
        str, BeforeValidator(_as_text), Field(max_length=19, description="Local time, like 2025-08-29T18:00.")
    ]
    duration_hours: Annotated[float, Field(gt=0, le=744)]
    recurrence: Annotated[str, Field(max_length=300, description="The value of an RRULE (RFC 5545); none: once.")] = ""
    but_not: Annotated[
        list[Annotated[str, BeforeValidator(_as_text)]], Field(description="Local dates on which it falls out.")
    ] = []


class Playbook(Part):
    playbook: Annotated[Literal[1], Field(description="The version of this format.")]
    name: Annotated[LongKey, Field(description="The same name is the same playbook, in its next edition.")]
    description: Annotated[str, Field(max_length=2000)] = ""
    deployment_config: DeploymentConfig
    environments: dict[Key, Environment]
    ramps: dict[LongKey, Ramp] = {}
    metrics: Annotated[
        dict[Annotated[str, Field(pattern=r"^[a-z_][a-z0-9_]{0,99}$")], Metric], Field(description="The catalogue.")
    ] = {}
    sources: dict[Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,59}$")], Source] = {}
    triggers: dict[LongKey, Trigger] = {}
    alerts: list[Alert] = []
    alert_groups: list[AlertGroup] = []
    risks: Annotated[dict[LongKey, Risk], Field(description="The register.")] = {}
    freezes: dict[LongKey, Freeze] = {}
    approvals: Annotated[dict[Key, Approvals], Field(description="By environment.")] = {}
