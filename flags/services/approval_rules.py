"""Which changes of an environment need approval: set as a whole."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from django.db import transaction

from core import environments, events
from core.actors import Actor
from core.asking import Change, Need
from core.errors import Invalid
from flags.domain.change import check_reason
from flags.domain.permit import Permit
from flags.domain.rules import ChangeKind, loosens
from flags.models import ApprovalRule
from flags.selectors.approval_rules import as_dict, picture
from flags.services import gate
from flags.services.locking import lock_configuration

CHANGED = "rules.changed"


@transaction.atomic
def define(
    environment: str,
    wanted: Mapping[str, Mapping[str, Any]],
    *,
    actor: Actor,
    reason: str,
    now: datetime,
    permit: Permit | None = None,
) -> None:
    """Set exactly these rules; what is not in `wanted` needs no approval afterwards. Same again writes nothing.

    Args:
        wanted: by kind (`raise`, `allow_list`, ...): `above` (points of reach or npubs, 0 or more), `approvals`
            (1 to 3) and `expires_after` (seconds).

    Raises:
        ApprovalNeeded: the environment has a rule about its rules, and some change would need less than before.
        Invalid: an unknown kind, or a number out of its range.
    """
    where = environments.get(environment)
    lock_configuration(environment)
    reason = check_reason(reason, protected=where.protected)
    rules = {kind: _read(kind, values) for kind, values in wanted.items()}
    before = as_dict(environment)
    after = {kind: picture(rule) for kind, rule in sorted(rules.items())}
    if before == after:
        return
    current = gate.rules(where.pk)
    about = current.get(ChangeKind.RULES)
    if about is not None and loosens(current, {ChangeKind(kind): rule for kind, rule in rules.items()}):
        why = f"In {where.name}, the rules for approvals are loosened."
        need = Need(why, about.approvals, about.expires_after)
        gate.require([need], where, Change("rules", "", after), permit=permit)
    ApprovalRule.objects.filter(environment=where).delete()
    for rule in rules.values():
        rule.environment = where
    ApprovalRule.objects.bulk_create(rules.values())
    mark = permit.mark if permit else {}
    events.record(
        CHANGED,
        subject=f"rules:{environment}",
        actor=actor,
        now=now,
        environment_id=where.pk,
        reason=reason,
        before=before,
        after=after,
        data=mark,
    )


def _read(kind: str, values: Mapping[str, Any]) -> ApprovalRule:
    if kind not in set(ChangeKind):
        raise Invalid(f"There is no rule {kind!r}. Known: {', '.join(ChangeKind)}.", field=kind)
    try:
        above = Decimal(str(values.get("above", 0))).quantize(Decimal("0.01"))
    except InvalidOperation:
        raise Invalid(f"{values.get('above')!r} is not a number.", field=f"{kind}.above") from None
    rule = ApprovalRule(kind=kind, above=above)
    rule.approvals = values.get("approvals", rule.approvals)
    rule.expires_after = values.get("expires_after", rule.expires_after)
    if not 0 <= above < 10_000_000 or not 1 <= rule.approvals <= 3:
        raise Invalid("A rule begins above 0 or more, and asks for 1 to 3 approvals.", field=kind)
    return rule
