"""How often a flag is looked at: more often while it is watched closely, less often while it is calm.

Only a flag's own triggers are judged less often. Sources are pulled more often, never less: what they bring is also
for alert rules, charts and other flags.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Min

from monitoring.domain.verdict import Target
from monitoring.models import Attention, Source, Trigger

ROUND = timedelta(seconds=10)  # of the guard: measurements are kept by as much


RAMP = "ramp"


def pay(environment_id: int, flag_key: str, every: int | None, *, holder: str = RAMP, now: datetime) -> None:
    """Look at the flag every so many seconds, from now on; None: as usual. A part of the change of its holder."""
    if every is None:
        Attention.objects.filter(environment=environment_id, flag_key=flag_key, holder=holder).delete()
        return
    Attention.objects.update_or_create(
        environment_id=environment_id, flag_key=flag_key, holder=holder, defaults={"every": every}
    )
    if every > ROUND.seconds:
        return
    soon, metrics = now + timedelta(seconds=every), _metrics(environment_id, flag_key)
    for source in Source.objects.filter(environment=environment_id, enabled=True, due_at__gt=soon):
        if metrics & set(source.queries):
            Source.objects.filter(pk=source.pk, due_at=source.due_at).update(due_at=soon)


def release(environment_id: int, *, holder: str) -> None:
    """What this holder asked for there counts no more."""
    Attention.objects.filter(environment=environment_id, holder=holder).delete()


def interval(source: Source) -> int:
    """Seconds to the next pull: the source's own, or fewer while a flag that its metrics judge is watched closely."""
    closely = Attention.objects.filter(environment=source.environment_id, every__lte=ROUND.seconds)
    if source.interval > ROUND.seconds:
        for each in closely:
            if _metrics(source.environment_id, each.flag_key) & set(source.queries):
                return each.every
    return source.interval


def resting(*, now: datetime) -> set[int]:
    """The triggers whose turn has not come yet: a flag's own ones, judged less than its time ago."""
    rows = Attention.objects.values("environment_id", "flag_key").annotate(least=Min("every")).order_by()
    seldom = {(row["environment_id"], row["flag_key"]): row["least"] for row in rows.filter(least__gt=ROUND.seconds)}
    if not seldom:
        return set()
    own = Trigger.objects.filter(target=Target.FLAG.value, flag_key__in=[key for _, key in seldom], enabled=True)
    return {
        pk
        for pk, environment, key, judged_at in own.values_list("pk", "environment", "flag_key", "judged_at")
        if judged_at and now - judged_at < timedelta(seconds=seldom.get((environment, key), 0)) - ROUND / 2
    }


def _metrics(environment_id: int, flag_key: str) -> set[str]:
    """What the flag's own triggers are computed from."""
    own = Trigger.objects.filter(environment=environment_id, target=Target.FLAG.value, flag_key=flag_key, enabled=True)
    parts = own.values_list("numerator", "denominator")
    return {part["metric"] for pair in parts for part in pair if part and "metric" in part}
