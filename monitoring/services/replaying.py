"""Judge again what was judged, from the buckets as they are now."""

from __future__ import annotations

from dataclasses import dataclass

from monitoring import selectors
from monitoring.domain.metrics import BUCKET_SECONDS
from monitoring.domain.rule import Definition
from monitoring.domain.verdict import Measure
from monitoring.domain.windows import Window, judge
from monitoring.models import Judgement, Trigger
from monitoring.services.reading import read
from monitoring.services.triggers import rule_of


@dataclass(frozen=True, slots=True)
class Replay:
    """A judgement and what the same window says today; None when the rule would not end a window there."""

    judgement: Judgement
    today: Window | None

    @property
    def same(self) -> bool:
        row, window = self.judgement, self.today
        return window is not None and (row.verdict, row.value, row.samples) == (
            window.verdict,
            window.value,
            window.samples,
        )


def replay(key: str, environment: str, *, last: int) -> list[Replay]:
    """The last windows of a trigger, newest first, judged again by its rule as it is now.

    They differ when samples came after the window was judged, when the rule was changed since, or when the
    buckets have been pruned. Raises NotFound.
    """
    row = selectors.trigger(key, environment)
    definition = Definition.read(key, rule_of(row))
    return [_again(row, definition, judgement) for judgement in selectors.judgements(row.pk)[:last]]


def _again(row: Trigger, definition: Definition, judgement: Judgement) -> Replay:
    end = judgement.window_end
    since = end - BUCKET_SECONDS if definition.measure is Measure.COUNT else judgement.window_start
    data = read(row.environment_id, definition, since=since, until=end)
    windows = judge(definition.rule, data, since=since, until=end, armed_from=judgement.window_start)
    return Replay(judgement, next((window for window in windows if window.end == end), None))
