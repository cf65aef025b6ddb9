"""Files that show how an item is."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePath

from django.db import transaction

from core.actors import Actor
from core.errors import Conflict, Invalid, NotFound
from core.texts import need_reason
from plans.models import Attachment, Item
from plans.services.locking import hold_item, tell

MOST_BYTES = 5 * 1024 * 1024
MOST_FILES = 20  # of one item


@dataclass(frozen=True, slots=True)
class File:
    name: str
    content: bytes


@transaction.atomic
def attach(item_id: int, file: File, *, actor: Actor, now: datetime) -> Attachment:
    """Keep a file with an item of a plan that lives; the same file twice is kept once.

    Raises Invalid for a file that is empty or above 5 MB, and Conflict above 20 of them.
    """
    return keep(hold_item(item_id), file, by=actor, now=now)


@transaction.atomic
def remove(attachment_id: int, *, actor: Actor, reason: str, now: datetime) -> None:
    """Take a file away that should not be there, such as one with a secret; its name and digest stay in the history."""
    reason = need_reason(reason)
    found = Attachment.objects.filter(pk=attachment_id).defer("content").first()
    if found is None:
        raise NotFound(f"There is no attachment {attachment_id}.")
    item = hold_item(found.item_id)
    found.delete()
    _tell("item.attachment_removed", item, actor=actor, reason=reason, now=now, before=_picture(found))


def keep(item: Item, file: File, *, by: Actor, now: datetime) -> Attachment:
    """`attach` to a locked item."""
    if not file.content:
        raise Invalid("The file is empty.", field="file")
    if len(file.content) > MOST_BYTES:
        raise Invalid(f"At most {MOST_BYTES // 1024**2} MB: give a link to what is larger.", field="file")
    digest = hashlib.sha256(file.content).hexdigest()
    same = item.attachments.filter(sha256=digest).defer("content").first()
    if same is not None:
        return same
    if item.attachments.count() >= MOST_FILES:
        raise Conflict(f"The item has {MOST_FILES} files already.")
    row = Attachment.objects.create(
        item=item,
        name=_name(file.name),
        size=len(file.content),
        sha256=digest,
        content=file.content,
        by=by.name,
        at=now,
    )
    _tell("item.attached", item, actor=by, reason="", now=now, after=_picture(row))
    return row


def _name(given: str) -> str:
    """The last part of a path, without control characters, its end kept when it is too long."""
    name = PurePath(given.replace("\\", "/")).name
    return "".join(each for each in name if each.isprintable())[-120:] or "file"


def _picture(row: Attachment) -> dict[str, str | int]:
    return {"name": row.name, "size": row.size, "sha256": row.sha256}


def _tell(
    kind: str,
    item: Item,
    *,
    actor: Actor,
    reason: str,
    now: datetime,
    before: dict[str, str | int] | None = None,
    after: dict[str, str | int] | None = None,
) -> None:
    subject, data = f"checklist:{item.checklist_id}", {"item": item.pk, "text": item.text}
    tell(kind, subject, item.checklist.plan, actor=actor, reason=reason, now=now, before=before, after=after, data=data)
