"""The next phase and the roadmap: by the playbook, and by people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction

from core import events
from core.actors import Actor
from core.errors import Invalid
from improvement.domain.feedback import read_text
from improvement.domain.future import LONGEST, MOST, CheckKind, Progress, read_key, read_phase
from improvement.models import NextPhase, Quarter
from improvement.services.locking import hold


@transaction.atomic
def define_phase(
    key: str, given: Mapping[str, Any], *, actor: Actor, reason: str, now: datetime, version: int | None = None
) -> NextPhase:
    """Plan a phase, or change it; nothing is written when nothing differs.

    What was said of a prerequisite whose text is gone is forgotten with it.
    Raises Invalid with the field, StaleVersion.
    """
    wanted = read_phase(given).as_dict()
    if not NextPhase.objects.filter(key=key).exists():
        row = NextPhase.objects.create(key=read_key(key), **wanted)
        _tell("next_phase.planned", f"next-phase:{key}", actor, now, reason=reason, after=wanted)
        return row
    row = hold(NextPhase, "next phase", version=version, key=key)
    before = as_dict(row)
    if before == wanted:
        return row
    for name, value in wanted.items():
        setattr(row, name, value)
    texts = {one["text"] for one in wanted["prerequisites"]}
    row.said = {text: word for text, word in row.said.items() if text in texts}
    row.version += 1
    row.save()
    _tell("next_phase.changed", f"next-phase:{key}", actor, now, reason=reason, before=before, after=wanted)
    return row


@transaction.atomic
def say_met(
    key: str, text: str, *, met: bool, note: str, actor: Actor, now: datetime, version: int | None = None
) -> NextPhase:
    """A person's word for a prerequisite that nothing measures. Raises Invalid, NotFound, StaleVersion."""
    row = hold(NextPhase, "next phase", version=version, key=key)
    mine = [one for one in row.prerequisites if one["text"] == text]
    if not mine or mine[0]["check"] != CheckKind.SAID:
        raise Invalid("Nobody can say this: it is measured, or it is no prerequisite.", field="text")
    before = row.said.get(text)
    row.said = {name: word for name, word in row.said.items() if name != text}
    if met:
        kept = read_text(note, field="note", needed=True)
        row.said[text] = {"by": actor.name, "at": now.isoformat(), "note": kept}
    row.version += 1
    row.save(update_fields=["said", "version"])
    told = {"before": {"met": before is not None}, "after": {"met": met}, "data": {"prerequisite": text}}
    _tell("next_phase.said", f"next-phase:{key}", actor, now, reason=note.strip(), **told)
    return row


@transaction.atomic
def define_quarter(
    key: str, given: Mapping[str, Any], *, actor: Actor, reason: str, now: datetime, version: int | None = None
) -> Quarter:
    """A quarter of the roadmap; nothing is written when nothing differs. Raises Invalid, StaleVersion."""
    wanted: dict[str, Any] = {
        "focus": read_text(str(given.get("focus", "")), field="focus", longest=LONGEST, needed=True),
        "deliverables": _deliverables(given.get("deliverables", ())),
        "position": int(given.get("position", 0)),
    }
    if not Quarter.objects.filter(key=key).exists():
        row = Quarter.objects.create(key=read_key(key), **wanted)
        _tell("roadmap.planned", f"quarter:{key}", actor, now, reason=reason, after=wanted)
        return row
    row = hold(Quarter, "quarter", version=version, key=key)
    before = quarter_as_dict(row)
    if before == wanted:
        return row
    row.focus, row.deliverables, row.position = wanted["focus"], wanted["deliverables"], wanted["position"]
    row.version += 1
    row.save()
    _tell("roadmap.changed", f"quarter:{key}", actor, now, reason=reason, before=before, after=wanted)
    return row


def as_dict(row: NextPhase) -> dict[str, Any]:
    """What `domain.future.read_phase` takes."""
    return {name: getattr(row, name) for name in ("title", "timeline", "objectives", "prerequisites", "risks")}


def quarter_as_dict(row: Quarter) -> dict[str, Any]:
    return {"focus": row.focus, "deliverables": row.deliverables, "position": row.position}


def _deliverables(given: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    if len(given) > MOST:
        raise Invalid(f"At most {MOST} deliverables.", field="deliverables")
    found = []
    for one in given:
        state = str(one.get("state", Progress.PLANNED))
        if state not in list(Progress):
            raise Invalid(f"A deliverable is {', '.join(Progress)}, not {state!r:.30}.", field="deliverables")
        text = read_text(str(one.get("text", "")), field="deliverables", longest=LONGEST, needed=True)
        found.append({"text": text, "state": state})
    return found


def _tell(kind: str, subject: str, actor: Actor, now: datetime, **told: Any) -> None:
    events.record(kind, subject=subject, actor=actor, now=now, **told)
