"""A playbook, format 1: a rollout strategy as data.

docs/playbook.md explains it; docs/playbook.schema.json is made of these classes.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from flags.domain.bucketing import Bucketing
from flags.domain.values import ValueType
from nctool_rollout.playbook.calling import OnCall
from nctool_rollout.playbook.fields import FlagKey, Key, LongKey, Name, Npub, Part, Percent, Text, as_text
from nctool_rollout.playbook.improving import AllLessons, NextPhase, Quarter
from nctool_rollout.playbook.kpis import Kpi, KpiKey
from nctool_rollout.playbook.planning import Plan
from nctool_rollout.playbook.public import StatusPage
from nctool_rollout.playbook.reporting import Report
from nctool_rollout.playbook.responding import IncidentLevel, LevelKey
from nctool_rollout.playbook.telling import Audience, AudienceKey, Channel
from nctool_rollout.playbook.watching import Alert, AlertGroup, Metric, Risk, Source, Trigger
from rollbacks.domain import place
from rollouts.domain.levels import FACTORS, OFTEN, SELDOM
from rollouts.domain.states import MonitoringLevel


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


class Level(Part):
    """What a monitoring level asks for while a flag stands at one of its steps. docs/ramps.md explains it."""

    every_seconds: Annotated[
        int | None, Field(ge=OFTEN, le=SELDOM, description="From one look at the flag to the next.")
    ] = None
    soak: Annotated[float, Field(ge=FACTORS[0], le=FACTORS[1], description="Times the soak before the next step.")] = 1
    calm: Annotated[bool, Field(description="The next step waits while an alert about the flag fires.")] = False
    tell: Annotated[list[Literal["slack", "email"]], Field(description="Channels that hear of its steps.")] = []


class Hours(Part):
    """When the steps of a ramp may be taken. docs/ramps.md explains it."""

    from_: Annotated[str, Field(alias="from", description="Time of day, like 09:00.")]
    to: Annotated[str, Field(description="Not after `from`: on the next day; the same: the whole day.")]
    days: Annotated[list[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]], Field(min_length=1)] = [
        "mon",
        "tue",
        "wed",
        "thu",
        "fri",
    ]
    zone: Annotated[str, Field(max_length=60, description="IANA name. None: the environment's.")] = ""


class Ramp(Part):
    name: Name
    flag: FlagKey
    hours: Annotated[Hours | None, Field(description="Left out: any time.")] = None
    steps: Annotated[list[Step], Field(min_length=1, max_length=50)]


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


class Freeze(Part):
    """A time in which nothing is raised, promoted or released there. docs/freezes.md explains it."""

    name: Name
    reason: Annotated[str, Field(min_length=1, max_length=2000)]
    environments: Annotated[list[Key], Field(min_length=1)]
    zone: Annotated[str, Field(max_length=60, description="IANA name.")] = "UTC"
    starts: Annotated[
        str, BeforeValidator(as_text), Field(max_length=19, description="Local time, like 2025-08-29T18:00.")
    ]
    duration_hours: Annotated[float, Field(gt=0, le=744)]
    recurrence: Annotated[str, Field(max_length=300, description="The value of an RRULE (RFC 5545); none: once.")] = ""
    but_not: Annotated[
        list[Annotated[str, BeforeValidator(as_text)]], Field(description="Local dates on which it falls out.")
    ] = []


class Application(Part):
    """Where nctool itself runs: a Deployment of Kubernetes, which a rollback can bring back. docs/rollback.md."""

    context: Annotated[str, Field(pattern=place.CONTEXT, description="Of the kubeconfig.")]
    namespace: Annotated[str, Field(pattern=place.LABEL)]
    deployment: Annotated[str, Field(pattern=place.NAME)]
    container: Annotated[str, Field(pattern=place.LABEL, description="Whose image tells the version.")]
    selector: Annotated[str, Field(pattern=place.SELECTOR, description="Of its pods, for example app=nctool.")]


class Playbook(Part):
    playbook: Annotated[Literal[1], Field(description="The version of this format.")]
    name: Annotated[LongKey, Field(description="The same name is the same playbook, in its next edition.")]
    description: Annotated[str, Field(max_length=2000)] = ""
    deployment_config: DeploymentConfig
    environments: dict[Key, Environment]
    monitoring_levels: Annotated[
        dict[MonitoringLevel, Level], Field(description="One that is left out asks for nothing.")
    ] = {}
    ramps: dict[LongKey, Ramp] = {}
    metrics: Annotated[
        dict[Annotated[str, Field(pattern=r"^[a-z_][a-z0-9_]{0,99}$")], Metric], Field(description="The catalogue.")
    ] = {}
    sources: dict[Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,59}$")], Source] = {}
    triggers: dict[LongKey, Trigger] = {}
    alerts: list[Alert] = []
    alert_groups: list[AlertGroup] = []
    kpis: Annotated[dict[KpiKey, Kpi], Field(description="In the order of the board.")] = {}
    risks: Annotated[dict[LongKey, Risk], Field(description="The register.")] = {}
    freezes: dict[LongKey, Freeze] = {}
    plans: dict[LongKey, Plan] = {}
    incidents: Annotated[
        dict[LevelKey, IncidentLevel], Field(description="One that is left out is as the strategy has it.")
    ] = {}
    applications: Annotated[dict[Key, Application], Field(description="By environment.")] = {}
    channels: dict[Key, Channel] = {}
    audiences: Annotated[dict[AudienceKey, Audience], Field(description="In the order of the plan.")] = {}
    approvals: Annotated[dict[Key, Approvals], Field(description="By environment.")] = {}
    status_page: StatusPage | None = None
    report: Report | None = None
    on_call: OnCall = OnCall()
    lessons: AllLessons = AllLessons()
    next_phases: dict[LongKey, NextPhase] = {}
    roadmap: Annotated[dict[LongKey, Quarter], Field(description="In the order of the quarters.")] = {}
