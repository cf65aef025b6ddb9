"""Leave exactly so many flags in production, at 5 to 100 percent: `python benchmarks/make_flags.py 20`."""

from __future__ import annotations

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "nctool_rollout.settings")


def main(count: int) -> None:
    import django

    django.setup()
    from django.utils import timezone

    from core.actors import Actor, ActorKind
    from flags.domain.bucketing import Bucketing
    from flags.domain.change import StateChange
    from flags.domain.permit import Permit
    from flags.models import Flag
    from flags.services import registry, rollout

    told = {"actor": Actor("benchmark", ActorKind.COMMAND), "reason": "benchmark", "now": timezone.now()}
    approved = Permit("request", 0)  # an installation of the benchmark's own: nobody is there to approve
    for number in range(count - Flag.objects.count()):
        key = f"benchmark{number}"
        registry.define(key, name=key, description="", bucketing=Bucketing.JS31, **told)
        wanted = StateChange(enabled=True, percentage=5 + number * 5 % 96)
        rollout.change(key, "production", wanted, permit=approved, **told)


if __name__ == "__main__":
    main(int(sys.argv[1]))
