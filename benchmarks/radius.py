"""What the blast radius costs the page of a ramp: `python -m benchmarks.radius [npubs]`.

In a database of its own: a ramp at 10 % in production, that many npubs seen in the last seven days, all of them kept.
The page is rendered by the product's own views, 20 times, after one that warms up, for the seed's hash and for a
salted one, without and with 100,000 npubs on the allow-list. The last column is what is left without any npub seen.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import datetime, timedelta
from random import Random
from typing import Any

from benchmarks.place import place, spent
from benchmarks.table import percentile, show

LISTED = 100_000


def main(count: int) -> None:
    with place(SEEN_UNITS=str(2 * count)) as client:
        rows = measure(client, count)
        show(f"The page of a ramp, {count:,} npubs seen", ["flag", "p50 ms", "p95 ms", "with nobody seen"], rows)


def start(bucketing: str, now: datetime) -> Any:
    """A ramp of a flag with this hash, at 10 % and with a step left."""
    from core.actors import Actor, ActorKind
    from core.environments import get
    from flags.models import Flag, FlagState
    from rollouts.models import RampTemplate
    from rollouts.services import starting, steering

    flag = Flag.objects.create(key=bucketing, name=bucketing, salt="x", bucketing=bucketing, created_at=now)
    FlagState.objects.create(flag=flag, environment=get("production"), changed_at=now)
    step = {"week": 1, "allow_list_only": False, "parameters": {}, "monitoring": "standard", "soak_seconds": 3600}
    steps = [{**step, "label": f"1.{day}", "day": day, "percentage": share} for day, share in ((1, 10), (3, 25))]
    template = RampTemplate.objects.create(key=bucketing, name=bucketing, flag=flag, steps=steps)
    told: dict[str, Any] = {"actor": Actor("benchmark", ActorKind.COMMAND), "reason": "r", "now": now}
    ramp = starting.start(template.key, "production", **told)
    return steering.advance(ramp.pk, **told)


def measure(client: Any, count: int) -> list[list[str]]:
    from django.utils import timezone

    from core.models import Environment

    now, dice = timezone.now(), Random(1)
    here = Environment.objects.create(key="production", name="Production", position=1)
    ramps = [start(bucketing, now) for bucketing in ("js31", "murmur3")]
    bare = [percentile(spent(client, page(ramp)), 50) for ramp in ramps]

    def rows(what: str) -> list[list[str]]:
        return [row(client, f"{ramp.flag.key}, {what}", ramp, alone) for ramp, alone in zip(ramps, bare, strict=True)]

    see(here, count, now, dice)
    found = rows("no list")
    allow(ramps, dice)
    return found + rows(f"{LISTED:,} on its list")


def see(environment: Any, count: int, now: datetime, dice: Random) -> None:
    from flags.models import SeenUnit

    seen = (
        SeenUnit(environment=environment, unit=npub(dice), seen_on=now.date() - timedelta(days=number % 7))
        for number in range(count)
    )
    SeenUnit.objects.bulk_create(seen, batch_size=5_000)


def allow(ramps: Sequence[Any], dice: Random) -> None:
    from flags.models import AllowedUser, FlagState

    for ramp in ramps:
        state = FlagState.objects.get(flag=ramp.flag)
        listed = (AllowedUser(state=state, npub=npub(dice)) for _ in range(LISTED))
        AllowedUser.objects.bulk_create(listed, batch_size=5_000)
        FlagState.objects.filter(pk=state.pk).update(allow_count=LISTED)


def row(client: Any, name: str, ramp: Any, bare: float) -> list[str]:
    times = spent(client, page(ramp))
    return [name, f"{percentile(times, 50):.0f}", f"{percentile(times, 95):.0f}", f"{bare:.0f}"]


def page(ramp: Any) -> str:
    return f"/admin/rollouts/ramp/{ramp.pk}/change/"


def npub(dice: Random) -> str:
    return f"npub1{dice.getrandbits(232):058x}"


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
