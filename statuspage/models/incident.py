from __future__ import annotations

from django.db import models

from core.choices import choices
from statuspage.domain.states import ComponentState, Impact, IncidentState


class PublicIncident(models.Model):
    """Trouble as the public is told of it. `reference` is the publisher's name for it; the page never shows it.

    `titles` are by language.
    """

    reference = models.CharField(max_length=120, unique=True)
    public_id = models.CharField(max_length=12, unique=True)
    titles = models.JSONField()
    impact = models.CharField(max_length=8, choices=choices(Impact))
    state = models.CharField(max_length=13, choices=choices(IncidentState))
    started_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    resolved_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["-started_at"], name="public_incidents_by_time")]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(
                    state__in=[IncidentState.RESOLVED.value, IncidentState.POSTMORTEM.value], resolved_at__isnull=False
                )
                | models.Q(
                    state__in=[
                        IncidentState.INVESTIGATING.value,
                        IncidentState.IDENTIFIED.value,
                        IncidentState.MONITORING.value,
                    ],
                    resolved_at__isnull=True,
                ),
                name="public_incident_resolved_in_time",
            )
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def title(self) -> str:
        return str(self.titles.get("en") or next(iter(self.titles.values()), self.reference))


class IncidentComponent(models.Model):
    """What an incident says of a component: operational again once it is resolved."""

    incident = models.ForeignKey("statuspage.PublicIncident", on_delete=models.CASCADE, related_name="components")
    component = models.ForeignKey("statuspage.Component", on_delete=models.CASCADE, related_name="incidents")
    state = models.CharField(max_length=20, choices=choices(ComponentState))

    class Meta:
        ordering = ["component__position", "component_id"]
        constraints = [models.UniqueConstraint(fields=["incident", "component"], name="incident_names_component_once")]

    def __str__(self) -> str:
        return f"{self.incident}: {self.component} {self.state}"


class PublicUpdate(models.Model):
    """What the public was told at one time. `key` is the publisher's: with the same key nothing is published twice.

    `texts` are by language; `components` are the states it set, by key.
    """

    incident = models.ForeignKey("statuspage.PublicIncident", on_delete=models.CASCADE, related_name="updates")
    key = models.CharField(max_length=120, unique=True)
    public_id = models.CharField(max_length=12, unique=True)
    state = models.CharField(max_length=13, choices=choices(IncidentState))
    texts = models.JSONField()
    components = models.JSONField(default=dict, blank=True)
    at = models.DateTimeField()
    by = models.CharField(max_length=150)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.incident}: {self.state}"

    @property
    def text(self) -> str:
        return str(self.texts.get("en") or next(iter(self.texts.values()), ""))
