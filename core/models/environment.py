from __future__ import annotations

from django.db import models


class Environment(models.Model):
    """A place the flags have a state in: development, staging, pre-production, production.

    `purpose`, `database`, `features` and `monitoring` are the seed's words (Deployment Environments).
    A protected environment asks for a reason on every change. `zone` is the IANA name of the time zone its people
    work in; empty: that of the installation.
    """

    key = models.SlugField(max_length=40, unique=True)
    name = models.CharField(max_length=80)
    position = models.PositiveSmallIntegerField(default=0, help_text="Order of promotion, lowest first.")
    protected = models.BooleanField(default=False)
    zone = models.CharField(max_length=60, blank=True)
    purpose = models.CharField(max_length=200, blank=True)
    database = models.CharField(max_length=200, blank=True)
    features = models.CharField(max_length=200, blank=True)
    monitoring = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["position", "key"]

    def __str__(self) -> str:
        return self.name
