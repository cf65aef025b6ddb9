"""What the blast radius costs the page of a ramp: `python -m benchmarks.radius [npubs]`.

In a database of its own: a ramp at 10 % in production, that many npubs seen in the last seven days, all of them kept.
The page is rendered by the product's own views, 20 times, after one that warms up, for the seed's hash and for a
salted one, without and with 100,000 npubs on the allow-list. The last column is what is left without any npub seen.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from datetime import datetime, timedelta
from random import Random
from typing import Any

ROUNDS, LISTED = 20, 100_000


def main(count: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"DATA_DIR": folder, "SECRET_KEY": "benchmark", "SEEN_UNITS": str(2 * count)}
        os.environ["DJANGO_SETTINGS_MODULE"] = "nctool_rollout.settings"
        import django

        django.setup()
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        measure(count)


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


def measure(count: int) -> None:
    from django.contrib.auth import get_user_model
    from django.contrib.auth.models import Group
    from django.test import Client
    from django.utils import timezone

    from benchmarks.table import percentile, show
    from core.models import Environment
    from flags.models import AllowedUser, FlagState, SeenUnit
    from nctool_rollout.roles import setup_roles

    setup_roles()
    user = get_user_model().objects.create_user("operator", password="operator", is_staff=True)
    user.groups.add(Group.objects.get(name="operator"))
    client = Client(HTTP_HOST="localhost")
    client.force_login(user, "django.contrib.auth.backends.ModelBackend")
    now, dice = timezone.now(), Random(1)
    here = Environment.objects.create(key="production", name="Production", position=1)
    ramps = [start(bucketing, now) for bucketing in ("js31", "murmur3")]

    def spent(ramp: Any) -> list[float]:
        times: list[float] = []
        for _ in range(ROUNDS + 1):
            began = time.perf_counter()
            assert client.get(f"/admin/rollouts/ramp/{ramp.pk}/change/").status_code == 200
            times.append(1000 * (time.perf_counter() - began))
        return times[1:]

    def row(name: str, ramp: Any, bare: float) -> list[str]:
        times = spent(ramp)
        return [name, f"{percentile(times, 50):.0f}", f"{percentile(times, 95):.0f}", f"{bare:.0f}"]

    bare = [percentile(spent(ramp), 50) for ramp in ramps]
    SeenUnit.objects.bulk_create(
        (
            SeenUnit(environment=here, unit=npub(dice), seen_on=now.date() - timedelta(days=number % 7))
            for number in range(count)
        ),
        batch_size=5_000,
    )
    rows = [row(f"{ramp.flag.key}, no list", ramp, alone) for ramp, alone in zip(ramps, bare, strict=True)]
    for ramp in ramps:
        state = FlagState.objects.get(flag=ramp.flag)
        AllowedUser.objects.bulk_create(
            (AllowedUser(state=state, npub=npub(dice)) for _ in range(LISTED)), batch_size=5_000
        )
        FlagState.objects.filter(pk=state.pk).update(allow_count=LISTED)
    rows += [
        row(f"{ramp.flag.key}, {LISTED:,} on its list", ramp, alone) for ramp, alone in zip(ramps, bare, strict=True)
    ]
    show(f"The page of a ramp, {count:,} npubs seen", ["flag", "p50 ms", "p95 ms", "with nobody seen"], rows)


def npub(dice: Random) -> str:
    return f"npub1{dice.getrandbits(232):058x}"


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
