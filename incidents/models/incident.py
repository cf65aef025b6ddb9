from __future__ import annotations

from django.db import models

from core.actors import ActorKind
from core.choices import choices
from incidents.domain.states import OPEN, Cause, Does, IncidentState, Level

OPEN_STATES = sorted(state.value for state in OPEN)


class Incident(models.Model):
    """Something that goes wrong in one environment, until people have learnt from it.

    `gathers`: what happens in its environment is linked to it; one that is open there does. `began_at` is when the
    trouble began, as far as that is known; `opened_at` when somebody knew. `accepted` is the measured level (0: none)
    at which a person lowered it: only more than that raises it again. `escalate_at` is when the next level is due
    because nobody has acknowledged it; `overdue_at` when it was told that nobody has. `vouchers` are the people who
    said how bad it is; `confirmed`: figures or events say that it is critical, so it is not their word alone.
    """

    environment = models.ForeignKey("core.Environment", on_delete=models.PROTECT, related_name="incidents")
    title = models.CharField(max_length=200)
    summary = models.TextField(blank=True)
    cause = models.CharField(max_length=10, choices=choices(Cause))
    level = models.PositiveSmallIntegerField(choices=[(level.value, f"Level {level.value}") for level in Level])
    highest = models.PositiveSmallIntegerField()
    accepted = models.PositiveSmallIntegerField(default=0)
    vouchers = models.JSONField(default=list, blank=True)
    confirmed = models.BooleanField(default=False)
    state = models.CharField(max_length=13, choices=choices(IncidentState), default=IncidentState.INVESTIGATING.value)
    gathers = models.BooleanField(default=True)
    began_at = models.DateTimeField()
    opened_at = models.DateTimeField()
    opened_by = models.CharField(max_length=150)
    opened_by_kind = models.CharField(max_length=10, choices=choices(ActorKind))
    escalate_at = models.DateTimeField(null=True, blank=True)
    overdue_at = models.DateTimeField(null=True, blank=True)
    acknowledged_at = models.DateTimeField(null=True, blank=True)
    acknowledged_by = models.CharField(max_length=150, blank=True)
    mitigated_at = models.DateTimeField(null=True, blank=True)
    resolved_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)
    commander = models.CharField(max_length=150, blank=True)
    communications = models.CharField(max_length=150, blank=True)
    scribe = models.CharField(max_length=150, blank=True)
    components = models.JSONField(default=list, blank=True, help_text="Keys of components of the status page.")
    facts = models.JSONField(default=list, blank=True, help_text="What is pinned: text, by, at.")
    merged_into = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="merged_from")
    version = models.PositiveIntegerField(default=1)

    class Meta:
        ordering = ["-id"]
        permissions = [
            ("operate_incident", "Can declare incidents and work on them"),
            ("lower_level", "Can lower the level of incidents"),
        ]
        indexes = [
            models.Index(fields=["state", "environment"], name="incident_by_state"),
            models.Index(fields=["environment", "resolved_at"], name="incident_by_recovery"),
            models.Index(
                fields=["escalate_at"], condition=models.Q(escalate_at__isnull=False), name="incident_escalates"
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["environment"],
                condition=models.Q(gathers=True, state__in=OPEN_STATES),
                name="incident_one_gathers",
            ),
            models.CheckConstraint(condition=models.Q(level__gte=1, level__lte=3), name="incident_level_of_three"),
            models.CheckConstraint(condition=models.Q(highest__gte=models.F("level")), name="incident_highest_level"),
            models.CheckConstraint(
                condition=models.Q(acknowledged_at=None) | models.Q(escalate_at=None),
                name="incident_acknowledged_does_not_escalate",
            ),
            models.CheckConstraint(
                condition=models.Q(state=IncidentState.MERGED.value, merged_into__isnull=False)
                | (~models.Q(state=IncidentState.MERGED.value) & models.Q(merged_into=None)),
                name="incident_merged_into_one",
            ),
        ]

    def __str__(self) -> str:
        return f"Incident {self.pk}: {self.title}"

    @property
    def is_open(self) -> bool:
        return self.state in OPEN

    @property
    def owner(self) -> str:
        """Whom to ask: the commander, else who acknowledged it; empty: nobody yet."""
        return self.commander or self.acknowledged_by


class Link(models.Model):
    """Something that an incident is about, by the subject of its events, and how many of them have come."""

    incident = models.ForeignKey("incidents.Incident", on_delete=models.CASCADE, related_name="links")
    subject = models.CharField(max_length=160)
    times = models.PositiveIntegerField(default=1)
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()
    by = models.CharField(max_length=150)

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["incident", "subject"], name="incident_links_once")]

    def __str__(self) -> str:
        return self.subject


class Followed(models.Model):
    """An event that was looked at, and the incident it belongs to; None: to none."""

    event = models.OneToOneField("core.Event", on_delete=models.PROTECT, related_name="incident_followed")
    incident = models.ForeignKey("incidents.Incident", null=True, on_delete=models.CASCADE, related_name="followed")

    def __str__(self) -> str:
        return str(self.event)


class Action(models.Model):
    """One action of the list of a level that the incident has had. `event` is what showed that it was done."""

    incident = models.ForeignKey("incidents.Incident", on_delete=models.CASCADE, related_name="actions")
    level = models.PositiveSmallIntegerField()
    position = models.PositiveSmallIntegerField()
    text = models.CharField(max_length=200)
    does = models.CharField(max_length=20, choices=choices(Does), blank=True)
    done_at = models.DateTimeField(null=True, blank=True)
    done_by = models.CharField(max_length=150, blank=True)
    note = models.TextField(blank=True)
    event = models.ForeignKey(
        "core.Event", null=True, blank=True, on_delete=models.PROTECT, related_name="incident_actions"
    )

    class Meta:
        ordering = ["-level", "position"]
        constraints = [
            models.UniqueConstraint(fields=["incident", "level", "position"], name="incident_action_once"),
            models.CheckConstraint(
                condition=models.Q(done_at__isnull=True, done_by="")
                | (models.Q(done_at__isnull=False) & ~models.Q(done_by="")),
                name="incident_action_done_by_somebody",
            ),
        ]

    def __str__(self) -> str:
        return self.text
