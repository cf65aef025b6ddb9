"""Words for an audience are written, checked before they are kept, and taken away."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from communications.adapters import sandbox
from communications.domain.alerts import AlertType
from communications.domain.audiences import PUBLIC, Content
from communications.domain.channels import ChannelKind
from communications.domain.wording import INTERNAL, sample
from communications.domain.wording import PUBLIC as PUBLIC_VALUES
from communications.models import Audience, Wording
from core import events
from core.actors import Actor
from core.errors import Invalid, NotFound, StaleVersion
from core.texts import check_storable


@dataclass(frozen=True, slots=True)
class Case:
    """When a wording is taken: for one kind of channel or all (empty), one type of announcement or all (empty)."""

    channel_kind: str = ""
    type: str = ""
    language: str = "en"


@dataclass(frozen=True, slots=True)
class Templates:
    """What is written; an empty html is none."""

    subject: str
    text: str
    html: str = ""


@transaction.atomic
def define(
    audience: str,
    case: Case,
    templates: Templates,
    *,
    actor: Actor,
    reason: str,
    now: datetime,
    version: int | None = None,
) -> Wording:
    """Set the words of an audience for a case.

    Raises Invalid with the field and the line for a template that cannot be used, or that asks for a value this
    audience does not get; NotFound without the audience; StaleVersion when somebody else changed it after `version`.
    """
    owner = Audience.objects.select_for_update().filter(key=audience).first()
    if owner is None:
        raise NotFound(f"There is no audience {audience!r}.")
    _check_case(case)
    check(Content(owner.content), templates)
    row = owner.wordings.filter(**asdict(case)).first()
    if row is not None and version is not None and row.version != version:
        raise StaleVersion("The wording", expected=version, actual=row.version)
    before = _picture(row)
    row = row or Wording(audience=owner, version=0, **asdict(case))
    if before == asdict(templates):
        return row
    row.subject, row.text, row.html = templates.subject, templates.text, templates.html
    row.version += 1
    row.save()
    _tell("wording.changed", row, before, asdict(templates), actor=actor, reason=reason, now=now)
    return row


@transaction.atomic
def remove(wording_id: int, *, actor: Actor, reason: str, now: datetime) -> None:
    """The default words are taken again."""
    row = Wording.objects.select_for_update(of=("self",)).select_related("audience").filter(pk=wording_id).first()
    if row is None:
        raise NotFound("These words are not there any more.")
    _tell("wording.removed", row, _picture(row), {}, actor=actor, reason=reason, now=now)
    row.delete()


def check(content: Content, templates: Templates) -> None:
    """Raises Invalid for the first template that cannot be used for this audience."""
    public = content in PUBLIC
    known = PUBLIC_VALUES if public else INTERNAL
    for field, template in asdict(templates).items():
        check_storable(template, field=field)
        if not template.strip():
            if field != "html":
                raise Invalid("Write something: an empty one would be sent as it is.", field=field)
            continue
        try:
            unknown = sandbox.unknown(template, sample(known))
        except sandbox.Unusable as error:
            raise Invalid(f"This template cannot be used. {error}", field=field) from error
        if unknown:
            whom = "People outside get" if public else "There are"
            raise Invalid(f"There is no {unknown[0]} here. {whom}: {', '.join(sorted(known))}.", field=field)


def _check_case(case: Case) -> None:
    if case.channel_kind and case.channel_kind not in list(ChannelKind):
        raise Invalid(f"There is no kind of channel {case.channel_kind!r}.", field="channel_kind")
    if case.type and case.type not in list(AlertType):
        raise Invalid(f"There is no announcement of type {case.type!r}.", field="type")


def _picture(row: Wording | None) -> dict[str, Any]:
    return {} if row is None else {"subject": row.subject, "text": row.text, "html": row.html}


def _tell(
    kind: str,
    row: Wording,
    before: dict[str, Any],
    after: dict[str, Any],
    *,
    actor: Actor,
    reason: str,
    now: datetime,
) -> None:
    case = {"channel_kind": row.channel_kind, "type": row.type, "language": row.language}
    events.record(
        kind,
        subject=f"audience:{row.audience.key}",
        actor=actor,
        reason=reason,
        before=before,
        after=after,
        data=case,
        now=now,
    )
