"""Which changes need approval, per environment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flags.models import ApprovalRule

if TYPE_CHECKING:
    from django.db.models import QuerySet


def rules(environment: str | None = None) -> QuerySet[ApprovalRule]:
    """The approval rules with their environment, in the order of environments and kinds."""
    found = ApprovalRule.objects.select_related("environment").order_by("environment__position", "kind")
    return found if environment is None else found.filter(environment__key=environment)


def as_dict(environment: str) -> dict[str, dict[str, Any]]:
    """The rules of an environment by kind, as `flags.services.approval_rules.define` takes them."""
    return {rule.kind: picture(rule) for rule in rules(environment)}


def picture(rule: ApprovalRule) -> dict[str, Any]:
    """One rule as JSON."""
    return {"above": f"{rule.above:.2f}", "approvals": rule.approvals, "expires_after": rule.expires_after}
