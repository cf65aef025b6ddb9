"""The next phase with its prerequisites as they stand, and the roadmap."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import QuerySet

import flags.selectors
import incidents.selectors
import plans.selectors
from core.errors import NotFound
from improvement.domain.future import CheckKind
from improvement.models import NextPhase, Quarter
from improvement.selectors import feedback

SURVEYED = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Standing:
    """A prerequisite and how it stands: met, not met, or not known (None), and why."""

    text: str
    check: str
    met: bool | None
    why: str


def phases() -> QuerySet[NextPhase]:
    return NextPhase.objects.all()


def phase(key: str) -> NextPhase:
    row = NextPhase.objects.filter(key=key).first()
    if row is None:
        raise NotFound(f"There is no next phase {key}.")
    return row


def quarters() -> QuerySet[Quarter]:
    return Quarter.objects.all()


def quarter(key: str) -> Quarter:
    row = Quarter.objects.filter(key=key).first()
    if row is None:
        raise NotFound(f"There is no quarter {key} on the roadmap.")
    return row


def standing(row: NextPhase, *, now: datetime) -> list[Standing]:
    """Each prerequisite as it stands now."""
    return [Standing(one["text"], one["check"], *_judge(row, one, now)) for one in row.prerequisites]


def _judge(row: NextPhase, one: dict[str, str], now: datetime) -> tuple[bool | None, str]:
    check, of = one["check"], one["of"]
    if check == CheckKind.PLAN:
        return _plan(of)
    if check == CheckKind.FLAG:
        return _flag(*of.split(" in ", 1))
    if check == CheckKind.INCIDENTS:
        return _incidents()
    if check == CheckKind.FEEDBACK:
        n = feedback.satisfied(start=now - SURVEYED, end=now).n
        return n >= int(of), f"{n} of {of} ratings by users in the last 90 days."
    word = row.said.get(one["text"])
    return (True, f"{word['by']}: {word['note']}") if word else (False, "Nobody has said that it is met.")


def _plan(environment: str) -> tuple[bool | None, str]:
    newest = plans.selectors.plans(environment).order_by("-pk").first()
    if newest is None:
        return None, f"There was no plan in {environment} yet."
    return newest.state == "completed", f"{newest} is {newest.state}."


def _flag(key: str, environment: str) -> tuple[bool | None, str]:
    try:
        state = flags.selectors.state(key.strip(), environment.strip())
    except NotFound as error:
        return None, str(error)
    everybody = state.enabled and state.percentage >= 100
    return everybody, f"{state.percentage:g} % of {environment}" if state.enabled else f"Off in {environment}."


def _incidents() -> tuple[bool | None, str]:
    worse = [row for row in incidents.selectors.open_ones() if row.level >= 2]
    return not worse, ", ".join(map(str, worse)) or "No incident of level 2 or 3 is open."
