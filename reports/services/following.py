"""What a report asks for becomes items that somebody does, and that the next report follows up."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from core.actors import Actor
from core.errors import Invalid
from improvement.services import actions
from reports.models import Report
from reports.selectors.beside import ORIGIN


def open_items(row: Report, *, actor: Actor, now: datetime) -> list[str]:
    """Open an item for each next action of the report; the titles of those whose owner has no account any more.

    Called in the transaction of the release. A report that is released late gives at least until tomorrow.
    """
    left = []
    for each in row.document["nextActions"]:
        due = max(date.fromisoformat(each["due"]), now.date() + timedelta(days=1))
        named = {"origin": f"{ORIGIN}:{row.pk}", "key": f"{ORIGIN}:{row.pk}:{each['key']}"[:140]}
        try:
            actions.open_item(
                each["title"], owner=each["owner"], due=due, text=each["why"], **named, actor=actor, now=now
            )
        except Invalid as error:
            if error.field != "owner":
                raise
            left.append(f"{each['title']} ({each['owner']})")
    return left
