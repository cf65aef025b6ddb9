"""The ramps of the playbook, from which ramps are started."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import transaction

import flags.selectors
from core import events
from core.actors import Actor
from core.errors import Invalid, NotFound
from core.texts import check_storable
from flags.domain.bucketing import Bucketing
from rollouts.domain.hours import read
from rollouts.domain.template import KEY_HELP, MAX_NAME, RampStepSpec, flaws, is_key
from rollouts.models import RampTemplate

if TYPE_CHECKING:
    from flags.models import Flag


@transaction.atomic
def define(
    key: str,
    *,
    name: str,
    flag_key: str,
    steps: Sequence[RampStepSpec],
    hours: Mapping[str, Any] | None = None,
    actor: Actor,
    reason: str,
    now: datetime,
) -> RampTemplate:
    """Create the template or bring it to these steps; nothing is written when nothing differs.

    Ramps that were started from it keep their own copy of the steps.

    Raises:
        NotFound: there is no flag of this key.
        Invalid: the first flaw of the steps, with the field `steps.<index>.<name>`, or hours or a zone that are none.
    """
    flag = _flag(flag_key, key)
    _check(key, name, steps, flag)
    read(hours or {}, zone="UTC")
    template = RampTemplate.objects.select_for_update(of=("self",)).filter(key=key).first() or RampTemplate(key=key)
    before = _picture(template) if template.pk else {}
    template.name, template.flag, template.steps = name, flag, [step.to_dict() for step in steps]
    template.hours = dict(hours or {})
    after = _picture(template)
    if before != after:
        template.save()
        events.record(
            "ramp_template.changed" if before else "ramp_template.created",
            subject=f"ramp_template:{key}",
            actor=actor,
            now=now,
            reason=reason,
            before=before,
            after=after,
        )
    return template


def _flag(key: str, ramp: str) -> Flag:
    found = flags.selectors.flags().filter(key=key).first()
    if found is None:
        raise NotFound(f"There is no flag {key!r}, which the ramp {ramp!r} is for.")
    return found


def _check(key: str, name: str, steps: Sequence[RampStepSpec], flag: Flag) -> None:
    if not is_key(key):
        raise Invalid(KEY_HELP, field="key")
    if not name.strip() or len(name) > MAX_NAME:
        raise Invalid(f"A ramp has a name of 1 to {MAX_NAME} characters.", field="name")
    check_storable(name, field="name")
    found = flaws(steps, Bucketing(flag.bucketing))
    if found:
        raise Invalid(found[0].message, field=found[0].path)


def _picture(template: RampTemplate) -> dict[str, Any]:
    return {"name": template.name, "flag": template.flag.key, "steps": template.steps, "hours": template.hours}
