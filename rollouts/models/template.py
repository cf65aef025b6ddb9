from __future__ import annotations

from django.db import models


class RampTemplate(models.Model):
    """A ramp of the playbook, for any environment. `steps` is as in the playbook (`RampStepSpec`), and so is
    `hours`: without a zone those of the environment.
    """

    key = models.SlugField(max_length=60, unique=True)
    name = models.CharField(max_length=120)
    flag = models.ForeignKey("flags.Flag", on_delete=models.PROTECT, related_name="ramp_templates")
    steps = models.JSONField()
    hours = models.JSONField(default=dict, blank=True)

    class Meta:
        ordering = ["key"]

    def __str__(self) -> str:
        return self.name
