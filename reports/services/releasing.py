"""A report is released to those who read it, and people say what they think of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import transaction

from core import events
from core.actors import Actor
from core.errors import Conflict, NotFound, StaleVersion
from core.texts import check_text, need_text
from reports.domain.states import MACHINE, RemarkKind, ReportState
from reports.domain.telling import told
from reports.models import Remark, Report
from reports.services import following

if TYPE_CHECKING:
    from core.models import Event

MOST_TEXT = 5_000


@transaction.atomic
def release(number: int, *, reason: str, version: int | None = None, actor: Actor, now: datetime) -> Report:
    """Release a draft: it is told to the audiences of the plan, and its actions become items that are followed up.

    Raises IllegalMove when it is released already, StaleVersion when it was made again since the person read it.
    """
    row = hold(number, version=version)
    before = {"state": row.state}
    row.state = MACHINE.move(ReportState(row.state), ReportState.RELEASED).value
    row.released_at, row.released_by, row.version = now, actor.name, row.version + 1
    row.save(update_fields=["state", "released_at", "released_by", "version"])
    left = following.open_items(row, actor=actor, now=now)
    data = {**told(row.title, row.document), "without_owner": left, "leads_to": f"report:{row.pk}"}
    tell(row, "report.released", reason=reason, before=before, data=data, actor=actor, now=now)
    return row


@transaction.atomic
def comment(number: int, text: str, *, actor: Actor, now: datetime) -> Remark:
    """Say something to a report. Raises Invalid for an empty or overlong text."""
    text = need_text(text.replace("\r\n", "\n"), "Say something.", field="text", longest=MOST_TEXT)
    row = hold(number)
    return _remark(row, RemarkKind.COMMENT, text, actor=actor, now=now)


@transaction.atomic
def sign_off(number: int, text: str = "", *, digest: str | None = None, actor: Actor, now: datetime) -> Remark:
    """Say that one has read a released report and takes it as it is.

    `digest` is of what the person saw. Raises Conflict for a draft, for another digest, and for a second time.
    """
    text, row = check_text(text.replace("\r\n", "\n"), field="text", longest=MOST_TEXT), hold(number)
    if row.state != ReportState.RELEASED:
        raise Conflict(f"{row.title} is a draft: it can be signed off once it is released.")
    if digest not in (None, row.digest):
        raise Conflict("This is not the report that you saw. Look at it again.")
    if Remark.objects.filter(report=row, author=actor.name, kind=RemarkKind.SIGN_OFF.value).exists():
        raise Conflict(f"{actor.name} has signed off {row.title} already.")
    return _remark(row, RemarkKind.SIGN_OFF, text, actor=actor, now=now)


def hold(number: int, *, version: int | None = None) -> Report:
    """The locked row. Raises NotFound, and StaleVersion when it is another version than the caller saw."""
    row = Report.objects.select_for_update(of=("self",)).select_related("environment").filter(pk=number).first()
    if row is None:
        raise NotFound(f"There is no report {number}.")
    if version is not None and version != row.version:
        raise StaleVersion(row.title, expected=version, actual=row.version)
    return row


def tell(
    row: Report,
    kind: str,
    *,
    actor: Actor,
    now: datetime,
    reason: str = "",
    before: Mapping[str, Any] | None = None,
    data: Mapping[str, Any] | None = None,
) -> Event:
    """The event of a change of this report."""
    after = {"state": row.state, "digest": row.digest, "headline": row.headline}
    shown = {"report": row.pk, "title": row.title, **(data or {})}
    return events.record(
        kind,
        subject=f"report:{row.pk}",
        environment_id=row.environment_id,
        actor=actor,
        reason=reason,
        now=now,
        before=before,
        after=after,
        data=shown,
    )


def _remark(row: Report, kind: RemarkKind, text: str, *, actor: Actor, now: datetime) -> Remark:
    made = Remark.objects.create(report=row, kind=kind.value, author=actor.name, at=now, text=text, digest=row.digest)
    verb = "commented" if kind is RemarkKind.COMMENT else "signed_off"
    tell(row, f"report.{verb}", reason=text, actor=actor, now=now)
    return made
