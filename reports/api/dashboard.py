"""The dashboard over `/api/v1/dashboard`, in the shape of the seed's `deploymentMetrics`."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from django.http import HttpRequest
from django.utils import timezone
from ninja import Query, Router, Schema
from pydantic import Field

from core import environments
from core.errors import Refused
from flags.api.auth import caller, token_auth
from flags.services.tokens import Scope
from reports.domain.dashboard import Reading
from reports.selectors import dashboard
from reports.selectors.dashboard import MOST_FLAGS_TOLD, Dashboard, Feature

router = Router(tags=["dashboard"], auth=token_auth(Scope.OPERATE))


class ApplicationHealth(Schema):
    """Null: there is no figure that is fresh. `uptime` is of the last hour; milliseconds; percent."""

    status: str = Field(description="HEALTHY, DEGRADED, UNHEALTHY, or UNKNOWN without fresh figures.")
    uptime: str | None = Field(examples=["99.9%"])
    responseTime: float | None = Field(examples=[250])  # noqa: N815 -- the seed's name
    errorRate: float | None = Field(examples=[0.1])  # noqa: N815


class FeatureAdoption(Schema):
    """Rates in percent. `discrepanciesDetected` of the last 24 hours; null for a flag that never reported any."""

    enabled: bool
    adoptionRate: float | None  # noqa: N815
    successRate: float | None  # noqa: N815
    discrepanciesDetected: int | None  # noqa: N815


class DatabaseHealth(Schema):
    """`replicationLag` in milliseconds."""

    connectionPool: str = Field(description="HEALTHY, BUSY, EXHAUSTED or UNKNOWN.")  # noqa: N815
    replicationLag: float | None  # noqa: N815
    queryPerformance: str = Field(description="OPTIMAL, SLOW or UNKNOWN.")  # noqa: N815


class DashboardFigureOut(Schema):
    """How a figure stands. `value` is the newest of the last day; `noDataSince` when it is too old to count.

    `change` is the mean of the last hour beside the same hour the day before; `trend` has the half hours of the day.
    """

    metric: str
    unit: str
    value: float | None
    measuredAt: datetime | None  # noqa: N815
    noDataSince: datetime | None  # noqa: N815
    band: Literal["fine", "warning", "critical", ""]
    warning: float | None
    critical: float | None
    change: float | None
    trend: list[float | None]


class DashboardOut(Schema):
    """`moreFlags` flags are left out; `figures` tells of each number how old it is and where its limits are."""

    environment: str
    readAt: datetime  # noqa: N815
    why: str
    applicationHealth: ApplicationHealth  # noqa: N815
    featureAdoption: dict[str, FeatureAdoption]  # noqa: N815
    databaseHealth: DatabaseHealth  # noqa: N815
    moreFlags: int  # noqa: N815
    figures: dict[str, DashboardFigureOut]


class Where(Schema):
    environment: str = Field("", max_length=40, description="That of the token, which is meant without it.")


@router.get("/dashboard", response=DashboardOut, summary="Health, adoption and database of the token's environment")
def read(request: HttpRequest, where: Query[Where]) -> DashboardOut:
    own = caller(request).environment
    if where.environment not in ("", own):
        raise Refused(f"This token is for {own} and tells nothing of {where.environment}.")
    return shown(dashboard.dashboard(environments.get(own), now=timezone.now(), most=MOST_FLAGS_TOLD))


def shown(found: Dashboard) -> DashboardOut:
    """The dashboard for a machine."""
    health = found.health
    known = {one.key: one for one in (*health.application, *health.database)}
    uptime = _fresh(known["uptime"])
    return DashboardOut(
        environment=health.environment.key,
        readAt=health.read_at,
        why=health.why,
        applicationHealth=ApplicationHealth(
            status=health.status.value,
            uptime=None if uptime is None else f"{uptime:.5g}%",
            responseTime=_fresh(known["responseTime"]),
            errorRate=_fresh(known["errorRate"]),
        ),
        featureAdoption={row.state.flag.key: _feature(row) for row in found.features},
        databaseHealth=DatabaseHealth(
            connectionPool=health.pool.value,
            replicationLag=_fresh(known["replicationLag"]),
            queryPerformance=health.queries.value,
        ),
        moreFlags=found.more,
        figures={key: _figure(one) for key, one in known.items()},
    )


def _feature(row: Feature) -> FeatureAdoption:
    return FeatureAdoption(
        enabled=row.state.enabled,
        adoptionRate=_fresh(row.adoption),
        successRate=_fresh(row.success),
        discrepanciesDetected=row.discrepancies,
    )


def _fresh(one: Reading) -> float | None:
    return None if not one.fresh or one.value is None else round(one.value, 3)


def _figure(one: Reading) -> DashboardFigureOut:
    return DashboardFigureOut(
        metric=one.metric,
        unit=one.scale.unit,
        value=one.value,
        measuredAt=one.measured_at,
        noDataSince=None if one.fresh else one.measured_at,
        band=one.band,
        warning=one.scale.warning,
        critical=one.scale.critical,
        change=one.change,
        trend=list(one.trend),
    )
