"""The seals of a chain, read page by page past the ORM: a verification reads a million of them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from django.db import connection

from audit.domain.chain import Link
from audit.models import Seal
from core.stored import time_text, whole

PAGE = 2_000
_FIELDS = (*("number", "event_id", "form", "content", "sealed_at", "looked_at", "previous", "digest", "forgotten_by"),)

_TIMES = ("sealed_at", "looked_at")


def pages(chain_id: int, *, after: int, up_to: int) -> Iterator[list[Link]]:
    """The seals above the one number and up to the other, in their order; memory is that of one page."""
    while True:
        found = _page(chain_id, after, up_to)
        if found:
            yield found
            after = found[-1].number
        if len(found) < PAGE:
            return


def before(chain_id: int, since: datetime) -> Link | None:
    """The last seal that was made before; None: a walk has to begin at the start."""
    rows = Seal.objects.filter(chain_id=chain_id)
    first = rows.filter(sealed_at__gte=since).order_by("number").values_list("number", flat=True).first()
    found = rows.filter(number__lt=first) if first else rows
    number = found.order_by("-number").values_list("number", flat=True).first()
    return _page(chain_id, number - 1, number)[0] if number else None


def _page(chain_id: int, after: int, up_to: int) -> list[Link]:
    columns = ", ".join(time_text(name) if name in _TIMES else connection.ops.quote_name(name) for name in _FIELDS)
    table = connection.ops.quote_name(Seal._meta.db_table)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {columns} FROM {table} WHERE chain_id = %s AND number > %s AND number <= %s "  # noqa: S608 -- ours
            "ORDER BY number LIMIT %s",
            [chain_id, after, up_to, PAGE],
        )
        return [_link(*row) for row in cursor.fetchall()]


def _link(
    number: int,
    event: int,
    form: int,
    content: bytes,
    sealed_at: str,
    looked_at: str | None,
    previous: bytes,
    digest: bytes,
    forgotten_by: int | None,
) -> Link:
    looked = whole(looked_at) if looked_at else ""
    return Link(
        number, event, form, bytes(content), whole(sealed_at), looked, bytes(previous), bytes(digest), forgotten_by
    )
