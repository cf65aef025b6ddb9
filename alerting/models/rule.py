from __future__ import annotations

from django.db import models

from alerting.domain.states import Health, Origin
from core.choices import choices


class AlertRule(models.Model):
    """When people are alerted (seed: `monitoring/alerts.yml` and `alerts/deployment.yml`), in one environment.

    `expr` is PromQL, evaluated here over what is kept, or by the Prometheus `source`. `condition` is how it was
    written where it was not PromQL, for example `avg_response_time > 3s`. Times are seconds.
    """

    environment = models.ForeignKey("core.Environment", on_delete=models.CASCADE, related_name="alert_rules")
    name = models.CharField(max_length=120)
    group = models.CharField(max_length=120, default="alerts")
    position = models.PositiveIntegerField(default=0)
    expr = models.TextField()
    condition = models.CharField(max_length=500, blank=True)
    for_seconds = models.PositiveIntegerField(default=0)
    keep_firing_seconds = models.PositiveIntegerField(default=0)
    severity = models.CharField(max_length=20)
    labels = models.JSONField(default=dict, blank=True)
    annotations = models.JSONField(default=dict, blank=True)
    runbook_url = models.URLField(max_length=500, blank=True)
    enabled = models.BooleanField(default=True)
    origin = models.CharField(max_length=10, choices=choices(Origin), default=Origin.PERSON.value)
    source = models.CharField(max_length=60, blank=True, help_text="The data source that evaluates it; empty: here.")
    version = models.PositiveIntegerField(default=1)

    health = models.CharField(max_length=10, choices=choices(Health), default=Health.UNKNOWN.value)
    evaluated_at = models.DateTimeField(null=True, blank=True)
    no_data_since = models.DateTimeField(null=True, blank=True)
    error = models.CharField(max_length=500, blank=True)
    error_since = models.DateTimeField(null=True, blank=True)
    error_told_at = models.DateTimeField(null=True, blank=True, help_text="When people were told of the error.")

    class Meta:
        ordering = ["environment__position", "group", "position", "name"]
        verbose_name = "alert rule"
        permissions = [("define_alertrule", "Can make and change alert rules")]
        constraints = [models.UniqueConstraint(fields=["environment", "group", "name"], name="alert_rule_once")]

    def __str__(self) -> str:
        return self.name
