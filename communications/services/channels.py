"""Channels are made, set up, tried, switched on and off."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction

from communications.adapters import configured, vault
from communications.domain.alerts import Severity
from communications.domain.channels import ChannelKind
from communications.domain.delivery import Failure
from communications.domain.outgoing import Outgoing, Receipt
from communications.domain.setups import SETUPS, check_secret, read
from communications.domain.targets import wrong
from communications.models import Channel
from communications.selectors import address
from core import events
from core.actors import Actor, ActorKind
from core.errors import Conflict, Invalid, NotFound, StaleVersion
from core.texts import need_text

_KEY = re.compile(r"[a-z][a-z0-9-]{0,39}")


@dataclass(frozen=True, slots=True)
class ChannelSpec:
    """A channel as a person or the set-up describes it. `secret_from` names a variable that has the secret."""

    key: str
    name: str
    kind: ChannelKind
    fields: Mapping[str, Any]
    secret_from: str = ""


@transaction.atomic
def define(
    spec: ChannelSpec,
    *,
    actor: Actor,
    reason: str,
    now: datetime,
    version: int | None = None,
    enabled: bool | None = None,
) -> Channel:
    """Make the channel, or change it to this. Its secret is forgotten with another kind or address.

    Raises Invalid with the field, StaleVersion when somebody else changed it after `version`.
    """
    if not _KEY.fullmatch(spec.key):
        raise Invalid("Begin with a letter; small letters, digits and hyphens, up to 40.", field="key")
    name = need_text(spec.name, "Give it a name.", field="name", longest=80)
    fields: dict[str, Any] = read(spec.kind, spec.fields)
    if spec.secret_from:
        fields[configured.FROM] = spec.secret_from
    row = Channel.objects.select_for_update().filter(key=spec.key).first()
    if row is not None and version is not None and row.version != version:
        raise StaleVersion("The channel", expected=version, actual=row.version)
    if spec.secret_from and actor.kind is ActorKind.PERSON and (row is None or _leads(row.settings) != _leads(fields)):
        raise Invalid(f"Only manage.py changes where {spec.secret_from} is sent.")
    before = picture(row) if row else {}
    row = row or Channel(key=spec.key, version=0)
    if row.kind != spec.kind.value or _leads(row.settings) != _leads(fields):
        row.secret = ""  # it was given for where it led before
    row.name, row.kind, row.settings = name, spec.kind.value, fields
    row.enabled = row.enabled if enabled is None else enabled
    _save(row, "channel.changed" if before else "channel.created", before, actor=actor, reason=reason, now=now)
    return row


@transaction.atomic
def set_secret(key: str, secret: str, *, actor: Actor, reason: str, now: datetime) -> Channel:
    """Keep the secret, encrypted; the event only says that it was set. What was waiting is tried again at once."""
    row = _locked(key)
    if row.settings.get(configured.FROM):
        raise Conflict(f"The secret of {row} comes from {row.settings[configured.FROM]}. Change that variable.")
    before = picture(row)
    row.secret = vault.seal(check_secret(ChannelKind(row.kind), secret))
    row.failures, row.error, row.resume_at = 0, "", None
    _save(row, "channel.secret_set", before, actor=actor, reason=reason, now=now)
    return row


@transaction.atomic
def switch(key: str, *, on: bool, actor: Actor, reason: str, now: datetime) -> Channel:
    """Off: nothing is announced by it, and what waits stays. On needs its secret; it is Conflict without."""
    row = _locked(key)
    if on and not is_set_up(row):
        raise Conflict(f"{row} is not set up: set its {SETUPS[ChannelKind(row.kind)].secret.lower()} first.")
    if row.enabled == on:
        return row
    before = picture(row)
    row.enabled, row.resume_at = on, None
    _save(row, "channel.switched", before, actor=actor, reason=reason, now=now)
    return row


@transaction.atomic
def remove(key: str, *, actor: Actor, reason: str, now: datetime) -> None:
    """Conflict while an audience is told by it, or something was."""
    row = _locked(key)
    users = sorted({route.audience.name for route in row.routes.select_related("audience")})
    if users:
        raise Conflict(f"{', '.join(users)} are told by {row}. Take it out of the communication plan first.")
    if row.announcements.exists():
        raise Conflict(f"{row} has announcements, which are kept. Switch it off instead.")
    before = picture(row)
    row.delete()
    events.record("channel.removed", subject=f"channel:{key}", actor=actor, reason=reason, before=before, now=now)


def test(key: str, target: str, *, actor: Actor, clock: Callable[[], datetime]) -> Receipt | Failure:
    """Send a marked message, outside any transaction; what came of it is recorded and is the channel's health.

    Raises Invalid for a target that this kind of channel cannot hand to.
    """
    row = Channel.objects.filter(key=key).first()
    if row is None:
        raise NotFound(f"There is no channel {key!r}.")
    kind, now = ChannelKind(row.kind), clock()
    flaw = wrong(kind, target, lists=[])
    if flaw:
        raise Invalid(flaw[:1].upper() + flaw[1:], field="target")
    message = Outgoing(
        key=f"test-{row.pk}-{int(now.timestamp())}",
        target=target,
        subject=f"[TEST] {row.name} works",
        text=f"{actor.name} tries whether this channel works. Nothing has happened.",
        severity=Severity.INFO,
        at=now,
        link=address("/admin/"),
        fields={"type": "TEST"},
    )
    answer = configured.connect(kind, row.settings, row.secret).send(message)
    _note_test(row.pk, answer, actor=actor, now=clock())
    return answer


@transaction.atomic
def seal_anew(*, actor: Actor, now: datetime) -> int:
    """Encrypt all secrets by the newest key; how many."""
    rows = list(Channel.objects.select_for_update().exclude(secret=""))
    for row in rows:
        row.secret = vault.seal_anew(row.secret)
    Channel.objects.bulk_update(rows, ["secret"])
    events.record("channel.sealed_anew", subject="channel:all", actor=actor, now=now, data={"count": len(rows)})
    return len(rows)


def _leads(fields: Mapping[str, Any]) -> list[str]:
    return [str(fields.get(name) or "") for name in ("base_url", "url")]


def is_set_up(row: Channel) -> bool:
    """It has the secret that it needs."""
    setup = SETUPS[ChannelKind(row.kind)]
    if not setup.secret or setup.optional or row.secret:
        return True
    return bool(settings.CHANNEL_SECRETS.get(row.settings.get(configured.FROM, "")))


def picture(row: Channel) -> dict[str, Any]:
    """The channel as an event tells it: of its secret only whether there is one."""
    return {
        "name": row.name,
        "kind": row.kind,
        "settings": row.settings,
        "secret": bool(row.secret),
        "enabled": row.enabled,
    }


@transaction.atomic
def _note_test(channel_id: int, answer: Receipt | Failure, *, actor: Actor, now: datetime) -> None:
    row = Channel.objects.select_for_update().get(pk=channel_id)
    if isinstance(answer, Receipt):
        row.ok_at, row.failures, row.error, row.resume_at = now, 0, "", None
    else:
        row.failed_at, row.failures, row.error = now, row.failures + 1, answer.error
    row.save(update_fields=["ok_at", "failed_at", "failures", "error", "resume_at"])
    told = {"taken": isinstance(answer, Receipt), "error": row.error}
    events.record("channel.tested", subject=f"channel:{row.key}", actor=actor, now=now, data=told)


def _locked(key: str) -> Channel:
    row = Channel.objects.select_for_update().filter(key=key).first()
    if row is None:
        raise NotFound(f"There is no channel {key!r}.")
    return row


def _save(row: Channel, kind: str, before: dict[str, Any], *, actor: Actor, reason: str, now: datetime) -> None:
    after = picture(row)
    if before == after and kind != "channel.secret_set":
        return
    row.version += 1
    row.save()
    events.record(kind, subject=f"channel:{row.key}", actor=actor, reason=reason, before=before, after=after, now=now)
