"""What asks for whose approval in an environment, in words."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta

from core import beside, moments
from flags.domain.rules import ChangeKind
from flags.services import gate

WORDS = {
    ChangeKind.PROMOTION: "Every promotion",
    ChangeKind.RAISE: "Raising by more than {} points within a day",
    ChangeKind.ALLOW_LIST: "An allow-list of more than {} npubs",
    ChangeKind.PARAMETERS: "Parameters that change",
    ChangeKind.TARGETING: "Targeting that changes",
    ChangeKind.RAMP: "Starting a ramp",
    ChangeKind.RULES: "Loosening these rules",
}


def words(environment_id: int, *, leaving_out: Collection[ChangeKind] = ()) -> list[str]:
    """One sentence for each rule there is."""
    return [
        f"{WORDS[kind].format(f'{float(rule.above):,g}')}: {rule.approvals} approval"
        f"{'s' if rule.approvals > 1 else ''} within {moments.span(timedelta(seconds=rule.expires_after))}."
        for kind, rule in gate.rules(environment_id).items()
        if kind not in leaving_out
    ]


beside.add_environment_rules(words)
