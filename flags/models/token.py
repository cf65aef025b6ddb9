from __future__ import annotations

from django.db import models


class ApiToken(models.Model):
    """A key for one environment. Only its SHA-256 digest is kept; the token itself is shown once.

    Live: `revoked_at` is empty. Revoked: it opens nothing, and stays for the history.
    """

    name = models.CharField(max_length=80)
    environment = models.ForeignKey("core.Environment", on_delete=models.PROTECT, related_name="api_tokens")
    scopes = models.JSONField(default=list)
    prefix = models.CharField(max_length=16, help_text="The first characters, to tell tokens apart.")
    digest = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=150)
    used_on = models.DateField(null=True, blank=True, help_text="The last day (UTC) on which it opened something.")
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        verbose_name = "API token"

    def __str__(self) -> str:
        return self.name
