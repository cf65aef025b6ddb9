"""When each flag was last asked for."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from flags.models import Asked, FlagState

_BATCH = 500


def mark(environment_id: int, keys: Collection[str], *, at: datetime) -> None:
    """Tell that the flags of these keys were asked for at `at`. A later time is never set back.

    Give the start of the five minutes that are counted, so that a row is written once for each of them.
    Keys of flags that do not exist are left out.
    """
    wanted = sorted(keys)
    for start in range(0, len(wanted), _BATCH):
        some = wanted[start : start + _BATCH]
        states = FlagState.objects.filter(environment_id=environment_id, flag__key__in=some)
        known = dict(states.values_list("pk", "asked__at"))
        fresh = [Asked(state_id=pk, at=at) for pk, last in known.items() if last is None]
        Asked.objects.bulk_create(fresh, ignore_conflicts=True)
        behind = [pk for pk, last in known.items() if last is not None and last < at]
        Asked.objects.filter(state_id__in=behind, at__lt=at).update(at=at)
