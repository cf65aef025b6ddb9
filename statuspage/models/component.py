from __future__ import annotations

from django.db import models

from core.choices import choices
from statuspage.domain.states import ComponentState


class Component(models.Model):
    """A part of the service that visitors know by name.

    `state` is what the page shows: the worst of `by_hand`, of what open incidents say of it, and of a maintenance that
    is under way (services/settling.py). `translations` holds name, description and group in other languages. Once
    `retired_at` is set it is on the page no more.
    """

    key = models.CharField(max_length=40, unique=True)
    public_id = models.CharField(max_length=12, unique=True)
    name = models.CharField(max_length=80)
    description = models.CharField(max_length=300, blank=True)
    group = models.CharField(max_length=80, blank=True)
    translations = models.JSONField(default=dict, blank=True)
    position = models.PositiveSmallIntegerField(default=0)
    by_hand = models.CharField(max_length=20, choices=choices(ComponentState), default=ComponentState.OPERATIONAL.value)
    state = models.CharField(max_length=20, choices=choices(ComponentState), default=ComponentState.OPERATIONAL.value)
    since = models.DateTimeField(help_text="Of the state.")
    created_at = models.DateTimeField()
    retired_at = models.DateTimeField(null=True, blank=True)
    version = models.PositiveIntegerField(default=1)

    class Meta:
        ordering = ["position", "id"]
        permissions = [("operate_component", "Can set the state of components, and take them off the page")]

    def __str__(self) -> str:
        return self.name

    @property
    def title(self) -> str:
        return self.name

    @property
    def environment(self) -> None:
        """The public sees one service: what it is shown belongs to no environment."""
        return


class ComponentChange(models.Model):
    """From `at` on a component was in this state. Never changed; the bars of the page are computed from these rows."""

    component = models.ForeignKey("statuspage.Component", on_delete=models.CASCADE, related_name="changes")
    at = models.DateTimeField()
    state = models.CharField(max_length=20, choices=choices(ComponentState))

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(fields=["component", "at"], name="component_changes_by_time")]

    def __str__(self) -> str:
        return f"{self.component}: {self.state}"
