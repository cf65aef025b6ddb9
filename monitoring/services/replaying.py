"""Judge again what was judged, by the rule as it was then, from the buckets as they are now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from core import events
from core.errors import NotFound
from monitoring import selectors
from monitoring.domain.metrics import BUCKET_SECONDS
from monitoring.domain.rule import DEFINED, Definition
from monitoring.domain.verdict import SLIDING
from monitoring.domain.windows import CODE_VERSION, Window, again
from monitoring.models import Judgement, Trigger
from monitoring.services.reading import Reader
from monitoring.services.triggers import rule_of

if TYPE_CHECKING:
    from core.models import Event


@dataclass(frozen=True, slots=True)
class Replay:
    """A judgement and what the same window says today."""

    judgement: Judgement
    today: Window

    @property
    def same(self) -> bool:
        return not self.differences

    @property
    def differences(self) -> list[str]:
        """What differs, as sentences, the likely reasons last; none: the same numbers again."""
        row, today = self.judgement, self.today
        pairs = [
            ("verdict", row.verdict, today.verdict.value),
            ("value", row.value, today.value),
            ("samples", row.samples, today.samples),
        ]
        found = [f"The {name} was {was} and is {now} now." for name, was, now in pairs if was != now]
        if found:
            changed = row.code_version and row.code_version != CODE_VERSION
            other = f" It was judged by version {row.code_version} of the code; this is {CODE_VERSION}."
            found.append(f"Measurements came late, or have been forgotten.{other if changed else ''}")
        return found


def replay(key: str, environment: str, *, last: int) -> list[Replay]:
    """The last windows of a trigger, newest first, each judged again by the rule it was judged by.

    They differ when samples came after the window was judged, or when the buckets have been pruned. Raises NotFound.
    """
    row = selectors.trigger(key, environment)
    reader = Reader()
    return [_again(row, judgement, reader) for judgement in selectors.judgements(row.pk)[:last]]


def of_event(event: Event) -> Replay:
    """The window that made a trigger fire, from `trigger.fired`, `trigger.observed` or the `flag.rolled_back` of it.

    NotFound when the event is not of a trigger, or the judgement has been forgotten.
    """
    proof: dict[str, Any] = event.data.get("evidence") or {}
    if not proof.get("trigger") or event.environment is None:
        raise NotFound("No trigger did this, so there is no window to judge again.")
    return _of_proof(selectors.trigger(proof["trigger"], event.environment.key), proof)


def of_firing(row: Trigger) -> Replay:
    """The window that made a latched trigger fire. NotFound when the judgement has been forgotten."""
    return _of_proof(row, row.evidence)


def _of_proof(row: Trigger, proof: dict[str, Any]) -> Replay:
    ended = proof.get("window_end")
    end = int(datetime.fromisoformat(ended).timestamp()) if ended else 0
    judgement = selectors.judgements(row.pk).filter(window_end=end).first()
    if judgement is None:
        raise NotFound("The judgement of that window has been forgotten: they are kept for a limited time.")
    return _again(row, judgement, Reader())


def _again(row: Trigger, judgement: Judgement, reader: Reader) -> Replay:
    definition = _as_it_was(row, judgement)
    end, asked = judgement.window_end, judgement.query
    since = end - BUCKET_SECONDS if definition.measure in SLIDING else judgement.window_start
    progress = asked.get("progress", {})
    armed_from = asked.get("armed_from", judgement.window_start)
    told = {"armed_from": armed_from, "progress": progress}
    data = reader.read(row.environment_id, definition, since=since, until=end, **told).data
    return Replay(judgement, again(definition.rule, data, judgement.window_start, end, **told))


def _as_it_was(row: Trigger, judgement: Judgement) -> Definition:
    """The rule that the window was judged by, reading the sources it read."""
    stored = judgement.query.get("rule") or _rule_at(row, judgement.at)
    stored = {name: value for name, value in stored.items() if name in DEFINED}
    sources = judgement.query.get("sources", {})
    read = set(sources.values())
    if len(read) == 1:
        for field in ("numerator", "denominator"):
            if stored.get(field):
                stored[field] = {**stored[field], "source": min(read)}
    return Definition.read(row.key, stored)


def _rule_at(row: Trigger, at: datetime) -> dict[str, Any]:
    """The rule of that time, from the trigger's history; the present one where that was forgotten."""
    told = events.about(f"trigger:{row.key}", environment_id=row.environment_id)
    changes = told.filter(kind__in=("trigger.created", "trigger.changed"), at__lte=at)
    return changes.values_list("after", flat=True).first() or rule_of(row)
