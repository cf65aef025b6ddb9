"""The page itself and its components: as the playbook defines them, and their state as a person sets it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from core import events
from core.actors import Actor
from core.errors import Conflict, Invalid, NotFound, StaleVersion
from core.texts import need_reason, need_text, read_field
from statuspage.domain.languages import FIRST, read_language
from statuspage.domain.states import ComponentState
from statuspage.domain.texts import read_key, read_label, read_word
from statuspage.models import Component, ComponentChange
from statuspage.services.locking import hold_page, new_id, raise_version
from statuspage.services.settling import settle, speakers

FIELDS = ("name", "description", "group", "translations", "position")
LENGTHS = {"name": 80, "description": 300, "group": 80}


@transaction.atomic
def define_page(values: Mapping[str, str], *, actor: Actor, reason: str, now: datetime) -> None:
    """Set title and address of the page; nothing is written when nothing differs."""
    page = hold_page(now=now)
    title = need_text(values["title"], "The page needs a title: the name of the service.", field="title", longest=80)
    address = read_field(values, "address", 200).rstrip("/")
    if address and not address.startswith(("https://", "http://")):
        raise Invalid("Write the address of the page like https://status.example.org.", field="address")
    before = {"title": page.title, "address": page.address}
    page.title, page.address = title, address
    after = {"title": page.title, "address": page.address}
    if after != before:
        raise_version(page, now=now)
        told: dict[str, Any] = {"actor": actor, "reason": reason, "now": now}
        events.record("status.page_defined", subject="status:page", before=before, after=after, **told)


@transaction.atomic
def define(key: str, values: Mapping[str, Any], *, actor: Actor, reason: str, now: datetime) -> Component:
    """Make the component, or set the given FIELDS of it; nothing is written when nothing differs.

    One that was taken off the page comes back.
    """
    wanted = _read(values)
    page = hold_page(now=now)
    row = Component.objects.filter(key=read_key(key)).first()
    before = as_dict(row) if row and row.retired_at is None else {}
    row = row or Component(key=key, public_id=new_id(), created_at=now, since=now)
    row.retired_at = None
    for field, value in wanted.items():
        setattr(row, field, value)
    if as_dict(row) == before:
        return row
    is_new = row.pk is None
    row.version += 0 if is_new else 1
    row.save()
    if is_new:
        ComponentChange.objects.create(component=row, at=now, state=row.state)
    raise_version(page, now=now)
    told: dict[str, Any] = {"actor": actor, "reason": reason, "now": now}
    events.record("status.component_defined", subject=f"component:{key}", before=before, after=as_dict(row), **told)
    return row


@transaction.atomic
def set_state(
    key: str, state: str, *, reason: str, actor: Actor, now: datetime, version: int | None = None
) -> Component:
    """Say by hand what state the component is in.

    The page shows the worst that anybody says: what an open incident says of it stays until that is resolved.

    Raises Invalid for a state that is none or no reason, Conflict when that would change nothing, StaleVersion.
    """
    wanted = read_word(ComponentState, state, field="state")
    reason = need_reason(reason)
    page = hold_page(now=now)
    row = find(key, version)
    if row.by_hand == wanted:
        raise Conflict(_nothing_to_do(row, wanted))
    before = {"state": row.state, "by_hand": row.by_hand}
    row.by_hand = wanted.value
    row.version += 1
    row.save(update_fields=["by_hand", "version"])
    changes = settle([row.pk], now=now)
    row.refresh_from_db()
    raise_version(page, now=now)
    events.record(
        "status.component_changed",
        subject=f"component:{key}",
        actor=actor,
        now=now,
        reason=reason,
        before=before,
        after={"state": row.state, "by_hand": row.by_hand},
        data={"component": key, "name": row.name, "shown": bool(changes)},
    )
    return row


@transaction.atomic
def retire(key: str, *, reason: str, actor: Actor, now: datetime, version: int | None = None) -> Component:
    """Take it off the page; its history stays, and a playbook that names it brings it back."""
    reason = need_reason(reason)
    page = hold_page(now=now)
    row = find(key, version)
    if said := speakers(row.pk):
        raise Conflict(f"{row.name} is part of what is told now ({said[0]}). End that first.")
    row.retired_at = now
    row.version += 1
    row.save(update_fields=["retired_at", "version"])
    raise_version(page, now=now)
    told: dict[str, Any] = {"actor": actor, "reason": reason, "now": now}
    events.record("status.component_retired", subject=f"component:{key}", before=as_dict(row), **told)
    return row


def as_dict(row: Component) -> dict[str, Any]:
    return {field: getattr(row, field) for field in FIELDS}


def find(key: str, version: int | None = None) -> Component:
    """The component of the page with this key, locked. NotFound names those there are; StaleVersion."""
    row = Component.objects.select_for_update().filter(key=key, retired_at=None).first()
    if row is None:
        known = ", ".join(Component.objects.filter(retired_at=None).values_list("key", flat=True))
        raise NotFound(f"There is no component {key!r}. The page has: {known or 'none yet; load a playbook'}.")
    if version is not None and version != row.version:
        raise StaleVersion(row.name, expected=version, actual=row.version)
    return row


def _read(values: Mapping[str, Any]) -> dict[str, Any]:
    found = {field: values[field] for field in FIELDS if field in values}
    for field, longest in LENGTHS.items():
        read_label(found.get(field, ""), longest, field=field)
    if not found.get("name", "x").strip():
        raise Invalid("A component needs a name that visitors know.", field="name")
    for language, texts in found.get("translations", {}).items():
        if read_language(language) == FIRST:
            raise Invalid("English is what stands outside of the translations.", field="translations")
        for field, text in texts.items():
            if field not in LENGTHS:
                raise Invalid(f"{field} has no translation: {', '.join(LENGTHS)} have.", field="translations")
            read_label(text, LENGTHS[field], field="translations")
    return found


def _nothing_to_do(row: Component, wanted: ComponentState) -> str:
    words = wanted.replace("_", " ")
    if row.state == wanted:
        return f"{row.name} is at {words} already."
    said = ", ".join(speakers(row.pk))
    return f"By hand {row.name} is at {words} already. It shows {row.state.replace('_', ' ')} because of: {said}."
