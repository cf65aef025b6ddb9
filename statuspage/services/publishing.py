"""Tell the public. The publisher gives the words; nothing is added to them from anywhere else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from core import events
from core.actors import Actor
from core.errors import Invalid
from core.texts import check_storable
from statuspage.domain.languages import read_language
from statuspage.domain.states import INCIDENT, OPEN, ComponentState, Impact, IncidentState
from statuspage.domain.texts import read_text, read_title, read_word
from statuspage.models import Component, IncidentComponent, PublicIncident, PublicUpdate
from statuspage.services.locking import hold_page, new_id, raise_version
from statuspage.services.settling import settle, told

LONGEST_NAME = 120


@dataclass(frozen=True, slots=True)
class _Said:
    """What the publisher gave, checked."""

    title: str
    impact: Impact
    state: IncidentState
    components: Mapping[str, ComponentState]
    text: str
    language: str


@transaction.atomic
def publish(
    reference: str,
    *,
    key: str,
    title: str,
    impact: str,
    state: str,
    components: Mapping[str, str],
    text: str,
    language: str = "en",
    actor: Actor,
    now: datetime,
) -> PublicUpdate:
    """Tell the public of the incident `reference`; the first update of a reference opens it.

    The same `key` again changes nothing, whatever it says; in another language it adds title and text in that one.
    An update speaks for the components it names, a resolving one for all of its incident: what was set by hand before
    does not count for them any more. The incident keeps what it said of other components. `components`: states by key.

    Raises Invalid with the field that is wrong, IllegalMove for a state that cannot follow.
    """
    _names(reference, key)
    said = _Said(
        read_title(title),
        read_word(Impact, impact, field="impact"),
        read_word(IncidentState, state, field="state"),
        {name: read_word(ComponentState, each, field="components") for name, each in components.items()},
        read_text(text),
        read_language(language),
    )
    page = hold_page(now=now)
    known = _known(reference, key)
    if known is not None:
        if _translate(known, said, actor=actor, now=now):
            raise_version(page, now=now)
        return known
    update = _add(reference, key, said, actor=actor, now=now)
    raise_version(page, now=now)
    return update


def _add(reference: str, key: str, said: _Said, *, actor: Actor, now: datetime) -> PublicUpdate:
    named = _named(said)
    incident = _opened(reference, said, now)
    update = PublicUpdate.objects.create(
        incident=incident,
        key=key,
        public_id=new_id(),
        state=said.state.value,
        texts={said.language: said.text},
        components={name: each.value for name, each in said.components.items()},
        at=now,
        by=actor.name,
    )
    changes = settle(_speak(incident, said, named), now=now)
    _tell(update, said, told(changes), actor=actor, now=now)
    return update


def _tell(update: PublicUpdate, said: _Said, changed: object, *, actor: Actor, now: datetime) -> None:
    incident = update.incident
    events.record(
        "status.published",
        subject=f"public-incident:{incident.public_id}",
        actor=actor,
        now=now,
        data={
            "reference": incident.reference,
            "key": update.key,
            "incident": incident.public_id,
            "title": said.title,
            "text": said.text,
            "language": said.language,
            "state": said.state.value,
            "impact": said.impact.value,
            "components": {each.component.key: each.state for each in _spoken(incident)},
            "changed": changed,
        },
    )


def _known(reference: str, key: str) -> PublicUpdate | None:
    known = PublicUpdate.objects.select_related("incident").filter(key=key).first()
    if known is not None and known.incident.reference != reference:
        raise Invalid(f"The key {key} was used for {known.incident.reference} already.", field="key")
    return known


def _names(reference: str, key: str) -> None:
    for field, value in (("reference", reference), ("key", key)):
        if not 0 < len(value.strip()) <= LONGEST_NAME:
            raise Invalid(f"Give a {field} of 1 to {LONGEST_NAME} characters.", field=field)
        check_storable(value, field=field)


def _named(said: _Said) -> dict[str, Component]:
    """The components that are named, by key. A resolved incident can leave none of them in trouble."""
    found = {row.key: row for row in Component.objects.filter(key__in=said.components, retired_at=None)}
    for name, state in said.components.items():
        if name not in found:
            known = ", ".join(Component.objects.filter(retired_at=None).values_list("key", flat=True))
            raise Invalid(f"The page has no component {name!r}. It has: {known or 'none'}.", field="components")
        if said.state not in OPEN and state is not ComponentState.OPERATIONAL:
            raise Invalid(
                f"A {said.state} incident leaves its components operational. Publish it as monitoring, or leave "
                f"{name} out.",
                field="components",
            )
    return found


def _opened(reference: str, said: _Said, now: datetime) -> PublicIncident:
    """The incident as the update leaves it, saved."""
    row = PublicIncident.objects.filter(reference=reference).first()
    if row is None:
        if said.state not in OPEN:
            raise Invalid("Begin with investigating, identified or monitoring.", field="state")
        row = PublicIncident(reference=reference, public_id=new_id(), started_at=now, titles={})
    else:
        INCIDENT.move(IncidentState(row.state), said.state)
    over = said.state not in OPEN
    row.resolved_at = (row.resolved_at or now) if over else None
    row.state, row.impact, row.updated_at = said.state.value, said.impact.value, now
    row.titles = {**row.titles, said.language: said.title}
    row.save()
    return row


def _speak(incident: PublicIncident, said: _Said, named: Mapping[str, Component]) -> list[int]:
    """Keep what the incident says of its components; the ids of those it has spoken for."""
    for name, state in said.components.items():
        IncidentComponent.objects.update_or_create(
            incident=incident, component=named[name], defaults={"state": state.value}
        )
    spoken = [row.pk for row in named.values()]
    if said.state not in OPEN:
        spoken = list(incident.components.values_list("component_id", flat=True))
        incident.components.update(state=ComponentState.OPERATIONAL.value)
    Component.objects.filter(pk__in=spoken).update(by_hand=ComponentState.OPERATIONAL.value)
    return spoken


def _spoken(incident: PublicIncident) -> list[IncidentComponent]:
    return list(incident.components.select_related("component"))


def _translate(update: PublicUpdate, said: _Said, *, actor: Actor, now: datetime) -> bool:
    """Add title and text in a language that the update does not have yet; whether there was something to add."""
    if said.language in update.texts:
        return False
    update.texts = {**update.texts, said.language: said.text}
    update.save(update_fields=["texts"])
    incident = update.incident
    incident.titles = {**incident.titles, said.language: said.title}
    incident.save(update_fields=["titles"])
    data = {"reference": incident.reference, "key": update.key, "title": said.title, "text": said.text}
    events.record(
        "status.translated",
        subject=f"public-incident:{incident.public_id}",
        actor=actor,
        now=now,
        data={**data, "language": said.language},
    )
    return True
