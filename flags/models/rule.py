from __future__ import annotations

from django.db import models

from core.choices import choices
from flags.domain.rules import ChangeKind


class ApprovalRule(models.Model):
    """In this environment a change of this kind needs approval by `approvals` other people.

    `above` is where it begins: points of reach for a raise, npubs on the list for an allow-list; 0 for other
    kinds. A request that nobody decided on expires after `expires_after` seconds.
    """

    environment = models.ForeignKey("core.Environment", on_delete=models.CASCADE, related_name="approval_rules")
    kind = models.CharField(max_length=12, choices=choices(ChangeKind))
    above = models.DecimalField(max_digits=9, decimal_places=2, default=0)
    approvals = models.PositiveSmallIntegerField(default=1)
    expires_after = models.PositiveIntegerField(default=3 * 86_400, help_text="Seconds.")

    class Meta:
        ordering = ["environment__position", "kind"]
        constraints = [
            models.UniqueConstraint(fields=["environment", "kind"], name="approval_rule_once"),
            models.CheckConstraint(condition=models.Q(approvals__gte=1, approvals__lte=3), name="approvals_1_to_3"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} in {self.environment}"
