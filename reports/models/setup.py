from __future__ import annotations

from django.db import models


class ReportSetup(models.Model):
    """How the weekly report is made (`reports.domain.setup.Setup`): one row, or none where nothing is set up.

    `since` is when that was first said: no week is made up for that was over before.
    """

    key = models.CharField(max_length=20, unique=True, default="weekly")
    values = models.JSONField()
    since = models.DateTimeField()

    class Meta:
        verbose_name = "setup of the weekly report"
        verbose_name_plural = "setups of the weekly report"

    def __str__(self) -> str:
        return self.key
