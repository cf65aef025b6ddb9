from __future__ import annotations

from django.db import models

SOURCE_KINDS = [("prometheus", "Prometheus")]
AUTHS = [("none", "none"), ("bearer", "bearer token"), ("basic", "user and password")]


class Source(models.Model):
    """A server that measurements are pulled from (seed: Monitoring Setup).

    `queries` maps a metric to `{"query": PromQL, "kind": "counter" | "gauge" | "timing"}`. Secrets are not here: they
    come from `SOURCE_<KEY>_TOKEN`, or `SOURCE_<KEY>_USER` and `SOURCE_<KEY>_PASSWORD`, in the environment of the
    process. Times are seconds.
    """

    key = models.SlugField(max_length=60)
    environment = models.ForeignKey("core.Environment", on_delete=models.CASCADE, related_name="sources")
    name = models.CharField(max_length=120)
    kind = models.CharField(max_length=12, choices=SOURCE_KINDS, default="prometheus")
    url = models.URLField(max_length=500)
    auth = models.CharField(max_length=8, choices=AUTHS, default="none")
    timeout = models.FloatField(default=5)
    interval = models.PositiveIntegerField(default=10)
    queries = models.JSONField(default=dict, blank=True)
    enabled = models.BooleanField(default=True)

    due_at = models.DateTimeField(null=True, blank=True)
    lease = models.CharField(max_length=40, blank=True, help_text="Who pulls now; whoever has another lost it.")
    tried_at = models.DateTimeField(null=True, blank=True)
    ok_at = models.DateTimeField(null=True, blank=True)
    failing_since = models.DateTimeField(null=True, blank=True)
    error = models.CharField(max_length=500, blank=True)
    problems = models.JSONField(default=dict, blank=True, help_text="By metric: what was wrong with its last answer.")
    samples = models.PositiveIntegerField(default=0, help_text="Of the last pull.")
    took_ms = models.FloatField(null=True, blank=True)

    class Meta:
        ordering = ["environment__position", "key"]
        verbose_name = "data source"
        permissions = [("ask_source", "Can ask a data source now")]
        constraints = [models.UniqueConstraint(fields=["environment", "key"], name="source_once")]

    def __str__(self) -> str:
        return self.name
