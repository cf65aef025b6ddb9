"""How states read, in the language of the visitor."""

from __future__ import annotations

from datetime import timedelta

from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from statuspage.domain.history import Day
from statuspage.domain.overall import Indicator
from statuspage.domain.states import SEVERITY, ComponentState, Impact, IncidentState, MaintenanceState

COMPONENT = {
    ComponentState.OPERATIONAL: gettext_lazy("Operational"),
    ComponentState.UNDER_MAINTENANCE: gettext_lazy("Under maintenance"),
    ComponentState.DEGRADED: gettext_lazy("Degraded performance"),
    ComponentState.PARTIAL: gettext_lazy("Partial outage"),
    ComponentState.MAJOR: gettext_lazy("Major outage"),
}
IMPACT = {
    Impact.NONE: gettext_lazy("No impact"),
    Impact.MINOR: gettext_lazy("Minor impact"),
    Impact.MAJOR: gettext_lazy("Major impact"),
    Impact.CRITICAL: gettext_lazy("Critical impact"),
}
INCIDENT = {
    IncidentState.INVESTIGATING: gettext_lazy("Investigating"),
    IncidentState.IDENTIFIED: gettext_lazy("Identified"),
    IncidentState.MONITORING: gettext_lazy("Monitoring"),
    IncidentState.RESOLVED: gettext_lazy("Resolved"),
    IncidentState.POSTMORTEM: gettext_lazy("Post-mortem"),
}
MAINTENANCE = {
    MaintenanceState.SCHEDULED: gettext_lazy("Scheduled"),
    MaintenanceState.IN_PROGRESS: gettext_lazy("In progress"),
    MaintenanceState.VERIFYING: gettext_lazy("Verifying"),
    MaintenanceState.COMPLETED: gettext_lazy("Completed"),
    MaintenanceState.CANCELLED: gettext_lazy("Cancelled"),
}
OVERALL = {
    Indicator.NONE: gettext_lazy("All systems operational"),
    Indicator.MAINTENANCE: gettext_lazy("Service under maintenance"),
    Indicator.MINOR: gettext_lazy("Minor service disruption"),
    Indicator.MAJOR: gettext_lazy("Partial system outage"),
    Indicator.CRITICAL: gettext_lazy("Major service outage"),
}


def span(seconds: float) -> str:
    """A length of time to the minute; one that is shorter is told as a minute."""
    minutes = max(1, round(seconds / 60))
    hours, rest = divmod(minutes, 60)
    parts = [ngettext("%(n)d hour", "%(n)d hours", hours) % {"n": hours}] if hours else []
    if rest:
        parts.append(ngettext("%(n)d minute", "%(n)d minutes", rest) % {"n": rest})
    return " ".join(parts)


def uptime(percent: float | None) -> str:
    """With at most three decimals, cut off: what was down for a second never reads as 100."""
    if percent is None:
        return _("no data yet")
    cut = int(percent * 1000) / 1000
    digits = 0 if cut == 100 else 2 if cut < 99.99 else 3
    return _("%(percent)s %% uptime") % {"percent": number_format(int(cut * 10**digits) / 10**digits, digits)}


def day(found: Day) -> str:
    """What was wrong on this day, the worst first."""
    if found.worst is None:
        return _("No data")
    troubled = [state for state in found.seconds if state is not ComponentState.OPERATIONAL]
    troubled.sort(key=SEVERITY.__getitem__, reverse=True)
    told = [f"{COMPONENT[state]}: {span(found.seconds[state])}" for state in troubled]
    return ", ".join(told) or _("No trouble")


def lasted(length: timedelta) -> str:
    """How long something took."""
    return span(length.total_seconds())
