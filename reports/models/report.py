from __future__ import annotations

from django.db import models

from core.choices import choices
from reports.domain.states import Origin, RemarkKind, ReportState


class Report(models.Model):
    """What is known of one environment over one time.

    `inputs` is everything it was made of, `digest` the SHA-256 of that, `document` what was made of it
    (`reports.domain.document.build`): the same inputs make the same document again.
    """

    environment = models.ForeignKey("core.Environment", on_delete=models.PROTECT, related_name="reports")
    start = models.DateTimeField()
    end = models.DateTimeField()
    zone = models.CharField(max_length=60)
    title = models.CharField(max_length=120)
    headline = models.CharField(max_length=500)
    origin = models.CharField(max_length=10, choices=choices(Origin))
    state = models.CharField(max_length=10, choices=choices(ReportState), default=ReportState.DRAFT.value)
    inputs = models.JSONField()
    digest = models.CharField(max_length=64)
    document = models.JSONField()
    urgent = models.PositiveSmallIntegerField(default=0)
    version = models.PositiveIntegerField(default=1)
    made_at = models.DateTimeField()
    made_by = models.CharField(max_length=150)
    released_at = models.DateTimeField(null=True, blank=True)
    released_by = models.CharField(max_length=150, blank=True)

    class Meta:
        ordering = ["-end", "-pk"]
        permissions = [
            ("make_report", "Can make reports by hand and comment on them"),
            ("release_report", "Can release and sign off reports"),
        ]
        indexes = [models.Index(fields=["environment", "-end"], name="report_newest_here")]
        constraints = [
            models.UniqueConstraint(fields=["environment", "start", "end"], name="report_once"),
            models.CheckConstraint(condition=models.Q(end__gt=models.F("start")), name="report_period"),
            models.CheckConstraint(
                condition=models.Q(state=ReportState.DRAFT.value, released_at=None)
                | models.Q(state=ReportState.RELEASED.value, released_at__isnull=False),
                name="report_released_when",
            ),
        ]

    def __str__(self) -> str:
        return self.title


class Remark(models.Model):
    """What somebody says to a report. A sign-off is a word for exactly what was released, once for each person."""

    report = models.ForeignKey("reports.Report", on_delete=models.CASCADE, related_name="remarks")
    kind = models.CharField(max_length=10, choices=choices(RemarkKind))
    author = models.CharField(max_length=150)
    at = models.DateTimeField()
    text = models.TextField(blank=True)
    digest = models.CharField(max_length=64, help_text="Of what the person saw.")

    class Meta:
        ordering = ["at", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["report", "author"], condition=models.Q(kind=RemarkKind.SIGN_OFF.value), name="signed_off_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.author}: {self.text[:60]}"
