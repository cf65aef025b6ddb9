"""The page for programs: the answers of Statuspage's API v2, as its clients read them.

https://developer.statuspage.io describes the shapes. Everything is in the first language, as there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

import orjson
from django.utils.translation import override

from statuspage.domain.languages import FIRST, said
from statuspage.domain.picture import Component, Incident, Maintenance, Picture, Update
from statuspage.domain.states import ComponentState, IncidentState, MaintenanceState, worst
from statuspage.templatetags import status_words as words

Json = dict[str, Any]
PAGE_ID = "nctool"
MOST = 50  # incidents and maintenances in a list, as Statuspage has it


def document(name: str, picture: Picture, as_of: datetime | None) -> bytes:
    """The answer of this name, one of NAMES. `as_of` is given when the page may be out of date, and then told."""
    page: Json = {
        "id": PAGE_ID,
        "name": picture.title,
        "url": picture.address,
        "time_zone": "Etc/UTC",
        "updated_at": _time(picture.changed_at),
    }
    if as_of is not None:
        page["as_of"] = _time(as_of)
    with override(FIRST):
        return orjson.dumps({"page": page, **_PARTS[name](picture)})


def _summary(picture: Picture) -> Json:
    return {**_components(picture), **_unresolved(picture), **_planned(picture, ahead=True), **_status(picture)}


def _status(picture: Picture) -> Json:
    described = str(words.OVERALL[picture.indicator])
    return {"status": {"indicator": picture.indicator.value, "description": described}}


def _components(picture: Picture) -> Json:
    """In their order; a group is a component too, and stands before its first one."""
    groups = _by_group(picture)
    found: list[Json] = []
    for each in picture.components:
        rows = groups.get(said(each.groups, FIRST))
        if rows and rows[0] is each:
            found.append(_group(said(each.groups, FIRST), rows))
        found.append(_component(each, group=_group_id(rows) if rows else None))
    return {"components": found}


def _incidents(picture: Picture) -> Json:
    return {"incidents": [_incident(each, picture) for each in picture.incidents[:MOST]]}


def _unresolved(picture: Picture) -> Json:
    return {"incidents": [_incident(each, picture) for each in picture.incidents if each.open]}


def _planned(picture: Picture, *, ahead: bool) -> Json:
    """Statuspage knows none that is cancelled, and neither do its clients."""
    known = [each for each in picture.maintenances if each.state is not MaintenanceState.CANCELLED]
    rows = [each for each in known if each.ahead] if ahead else known[:MOST]
    return {"scheduled_maintenances": [_maintenance(each, picture) for each in rows]}


def _upcoming(picture: Picture) -> Json:
    rows = (each for each in picture.maintenances if each.state is MaintenanceState.SCHEDULED)
    return {"scheduled_maintenances": [_maintenance(each, picture) for each in rows]}


def _active(picture: Picture) -> Json:
    rows = (each for each in picture.maintenances if each.under_way)
    return {"scheduled_maintenances": [_maintenance(each, picture) for each in rows]}


_PARTS: dict[str, Callable[[Picture], Json]] = {
    "summary": _summary,
    "status": _status,
    "components": _components,
    "incidents": _incidents,
    "incidents/unresolved": _unresolved,
    "scheduled-maintenances": lambda picture: _planned(picture, ahead=False),
    "scheduled-maintenances/upcoming": _upcoming,
    "scheduled-maintenances/active": _active,
}
NAMES = frozenset(_PARTS)


def _component(row: Component, *, group: str | None) -> Json:
    return {
        "id": row.id,
        "name": said(row.names, FIRST),
        "status": row.state.value,
        "created_at": _time(row.created_at),
        "updated_at": _time(row.updated_at),
        "position": row.position + 1,
        "description": said(row.descriptions, FIRST) or None,
        "showcase": True,
        "start_date": row.created_at.date().isoformat(),
        "group_id": group,
        "page_id": PAGE_ID,
        "group": False,
        "only_show_if_degraded": False,
    }


def _group(name: str, rows: list[Component]) -> Json:
    told = _component(rows[0], group=None)
    state: ComponentState = worst(row.state for row in rows)
    return told | {
        "id": _group_id(rows),
        "name": name,
        "status": state.value,
        "description": None,
        "group": True,
        "components": [row.id for row in rows],
    }


def _group_id(rows: list[Component]) -> str:
    """Stable as long as the group has its first component."""
    return f"g{rows[0].id}"


def _incident(row: Incident, picture: Picture) -> Json:
    watched = [each.at for each in row.updates if each.state is IncidentState.MONITORING]
    return {
        "id": row.id,
        "name": said(row.titles, FIRST),
        "status": row.state.value,
        "created_at": _time(row.started_at),
        "updated_at": _time(row.updated_at),
        "monitoring_at": _time(max(watched)) if watched else None,
        "resolved_at": _time(row.resolved_at),
        "impact": row.impact.value,
        "shortlink": f"{picture.address}/status/incidents/{row.id}/",
        "started_at": _time(row.started_at),
        "page_id": PAGE_ID,
        "incident_updates": [_update(each, row.id, picture) for each in row.updates],
        "components": _named(picture, row.components),
    }


def _update(row: Update, incident: str, picture: Picture) -> Json:
    affected = [
        {"code": each.id, "name": said(each.names, FIRST), "new_status": row.components[each.key].value}
        for each in picture.components
        if each.key in row.components
    ]
    return {
        "id": row.id,
        "status": row.state.value,
        "body": said(row.texts, FIRST),
        "incident_id": incident,
        "created_at": _time(row.at),
        "updated_at": _time(row.at),
        "display_at": _time(row.at),
        "affected_components": affected or None,
    }


def _maintenance(row: Maintenance, picture: Picture) -> Json:
    """One update of its own tells its text: Statuspage has the text nowhere else."""
    told = {
        "id": f"{row.id}-0",
        "status": row.state.value,
        "body": said(row.texts, FIRST) or said(row.titles, FIRST),
        "incident_id": row.id,
        "created_at": _time(row.created_at),
        "updated_at": _time(row.updated_at),
        "display_at": _time(row.updated_at),
        "affected_components": None,
    }
    return {
        "id": row.id,
        "name": said(row.titles, FIRST),
        "status": row.state.value,
        "created_at": _time(row.created_at),
        "updated_at": _time(row.updated_at),
        "monitoring_at": None,
        "resolved_at": _time(row.ended_at),
        "impact": "maintenance",
        "shortlink": f"{picture.address}/status/maintenance/{row.id}/",
        "started_at": _time(row.starts_at),
        "page_id": PAGE_ID,
        "incident_updates": [told],
        "components": _named(picture, row.components),
        "scheduled_for": _time(row.starts_at),
        "scheduled_until": _time(row.ends_at),
    }


def _named(picture: Picture, keys: Iterable[str]) -> list[Json]:
    wanted = set(keys)
    groups = {name: _group_id(rows) for name, rows in _by_group(picture).items()}
    return [
        _component(each, group=groups.get(said(each.groups, FIRST)))
        for each in picture.components
        if each.key in wanted
    ]


def _by_group(picture: Picture) -> dict[str, list[Component]]:
    found: dict[str, list[Component]] = {}
    for each in picture.components:
        if name := said(each.groups, FIRST):
            found.setdefault(name, []).append(each)
    return found


def _time(at: datetime | None) -> str | None:
    """As Statuspage writes it: ISO 8601 with milliseconds."""
    return None if at is None else at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
