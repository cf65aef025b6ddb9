from __future__ import annotations

from django.db import models

from alerting.domain.states import AlertState, Via
from core.choices import choices


class Alert(models.Model):
    """One alert: a rule's condition that holds for one set of labels, from when it began until it is resolved.

    `fingerprint` is of the labels. Of a rule, or of an Alertmanager, there is one for each of them that is not
    resolved. The state is here and not in the memory of a process, so that a restart changes nothing.
    `absent_since`: the rule has no data for it any more, which resolves nothing.
    """

    environment = models.ForeignKey("core.Environment", on_delete=models.CASCADE, related_name="raised_alerts")
    rule = models.ForeignKey("alerting.AlertRule", on_delete=models.SET_NULL, null=True, related_name="raised_alerts")
    via = models.CharField(max_length=12, choices=choices(Via), default=Via.RULES.value)
    fingerprint = models.CharField(max_length=64)
    name = models.CharField(max_length=120)
    severity = models.CharField(max_length=20, blank=True)
    labels = models.JSONField(default=dict)
    annotations = models.JSONField(default=dict)
    generator_url = models.CharField(max_length=2000, blank=True)
    state = models.CharField(max_length=10, choices=choices(AlertState))
    value = models.FloatField(null=True, blank=True)
    starts_at = models.DateTimeField(help_text="When the condition began to hold.")
    fired_at = models.DateTimeField(null=True, blank=True)
    last_true_at = models.DateTimeField(null=True, blank=True)
    absent_since = models.DateTimeField(null=True, blank=True)
    ends_at = models.DateTimeField(
        null=True, blank=True, help_text="Of one from outside: resolved then, if not renewed."
    )
    resolved_at = models.DateTimeField(null=True, blank=True)
    told_at = models.DateTimeField(null=True, blank=True, help_text="When people were alerted; empty: not so far.")
    absent_told_at = models.DateTimeField(null=True, blank=True, help_text="When they were told that its data is gone.")
    over_told_at = models.DateTimeField(null=True, blank=True, help_text="When they were told that it is resolved.")
    resolution = models.CharField(
        max_length=300, blank=True, help_text="Why it is resolved, where a person or a change did it."
    )
    acknowledged_at = models.DateTimeField(null=True, blank=True)
    acknowledged_by = models.CharField(max_length=150, blank=True)
    comment = models.TextField(blank=True)

    class Meta:
        ordering = ["-starts_at", "-id"]
        permissions = [("acknowledge_alert", "Can acknowledge alerts and silence them")]
        indexes = [
            models.Index(fields=["environment", "state"], name="alert_by_state"),
            models.Index(
                fields=["environment"],
                condition=models.Q(state=AlertState.RESOLVED.value, told_at__isnull=False, over_told_at=None),
                name="alert_over_untold",
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["rule", "fingerprint"],
                condition=~models.Q(state=AlertState.RESOLVED.value),
                name="alert_of_rule_open_once",
            ),
            models.UniqueConstraint(
                fields=["environment", "via", "fingerprint"],
                condition=~models.Q(state=AlertState.RESOLVED.value) & ~models.Q(via=Via.RULES.value),
                name="alert_from_outside_open_once",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Silence(models.Model):
    """Alerts that match are not told while it holds. They are still evaluated and shown.

    `matchers` is a list of `{"name": label, "op": "=" | "!=" | "=~" | "!~", "value": text}`; all must match.
    """

    environment = models.ForeignKey("core.Environment", on_delete=models.CASCADE, related_name="silences")
    matchers = models.JSONField()
    reason = models.TextField()
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    created_by = models.CharField(max_length=150)
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.CharField(max_length=150, blank=True)

    class Meta:
        ordering = ["-starts_at", "-id"]
        indexes = [models.Index(fields=["environment", "ends_at"], name="silence_by_end")]

    def __str__(self) -> str:
        return self.reason


class Received(models.Model):
    """What an Alertmanager or a Prometheus sent, as it came: stored before anything is done with it."""

    environment = models.ForeignKey("core.Environment", on_delete=models.CASCADE, related_name="+")
    via = models.CharField(max_length=12, choices=choices(Via))
    body = models.JSONField()
    at = models.DateTimeField(db_index=True)
    by = models.CharField(max_length=150)
    done_at = models.DateTimeField(null=True, blank=True)
    error = models.CharField(max_length=500, blank=True)

    class Meta:
        ordering = ["-at", "-id"]

    def __str__(self) -> str:
        return f"{self.via} {self.at:%Y-%m-%d %H:%M:%S}"
