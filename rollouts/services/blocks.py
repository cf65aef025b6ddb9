"""What keeps ramps from taking steps: rows, so that whoever blocks is not asked, and needs not be known."""

from __future__ import annotations

from collections.abc import Mapping

from django.db import transaction

import flags.selectors
from rollouts.models import Block


@transaction.atomic
def replace(holder: str, environment_id: int, wanted: Mapping[str, str]) -> None:
    """Make these the blocks of the holder there, and no others: why, by the key of the flag. Unknown ones are left out.

    It is a part of the holder's change, whose event tells of it.
    """
    Block.objects.filter(holder=holder, environment=environment_id).exclude(flag__key__in=wanted).delete()
    for flag in flags.selectors.flags().filter(key__in=wanted):
        Block.objects.update_or_create(
            environment_id=environment_id, flag=flag, holder=holder, defaults={"why": wanted[flag.key][:300]}
        )
