"""Which KPIs there are."""

from __future__ import annotations

from core.errors import NotFound
from kpis.domain.definition import Definition
from kpis.models import Kpi


def rows() -> list[Kpi]:
    """All of them in the playbook's order."""
    return list(Kpi.objects.all())


def definitions() -> list[Definition]:
    """What each of them is. One query."""
    return [definition_of(row) for row in rows()]


def get(key: str) -> Kpi:
    """One of them; NotFound names the others."""
    found = Kpi.objects.filter(key=key).first()
    if found is None:
        known = ", ".join(Kpi.objects.values_list("key", flat=True)) or "none yet: load a playbook that has some"
        raise NotFound(f"There is no KPI {key!r}. Known: {known}.")
    return found


def definition_of(row: Kpi) -> Definition:
    return Definition.read(row.key, row.document)
