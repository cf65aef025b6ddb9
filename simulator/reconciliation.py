"""The pre-flight reconciliation: what a difference between wallet and mint leads to. Pure."""

from __future__ import annotations

from dataclasses import dataclass

SEVERITIES = ("LOW", "MEDIUM", "HIGH")


@dataclass(frozen=True, slots=True)
class Outcome:
    """Blocked: the melt is not made. Corrected: the wallet is set to what the mint says, and the melt is made."""

    blocked: bool = False
    corrected: bool = False


def judge(discrepancy: str, *, threshold: str, auto_correction: bool) -> Outcome:
    """What to do about a discrepancy, empty when there is none.

    `threshold` is the flag's `severityThreshold`: from it on the melt is blocked. An unknown one counts as HIGH.
    """
    if not discrepancy:
        return Outcome()
    limit = SEVERITIES.index(threshold) if threshold in SEVERITIES else SEVERITIES.index("HIGH")
    blocked = SEVERITIES.index(discrepancy) >= limit
    return Outcome(blocked=blocked, corrected=auto_correction and not blocked)
