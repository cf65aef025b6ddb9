from __future__ import annotations

from django.db import models


class WallLink(models.Model):
    """An address that shows the wall screen to whoever has it, without signing in. It reads, and does nothing else.

    Only the SHA-256 digest of its token is kept. Live until `expires_at`, unless it was revoked. `used_at` is to
    within a minute. `names` allows the names of the people on call; npubs and other secrets are never there.
    """

    name = models.CharField(max_length=80)
    digest = models.CharField(max_length=64, unique=True)
    prefix = models.CharField(max_length=12, help_text="The first characters, to tell links apart.")
    environments = models.ManyToManyField("core.Environment", related_name="+")
    names = models.BooleanField(default=False)
    seconds = models.PositiveSmallIntegerField(default=20, help_text="For how long each page stands.")
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=150)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    revoked_by = models.CharField(max_length=150, blank=True)

    class Meta:
        ordering = ["-id"]
        permissions = [("make_walllink", "Can make and revoke links to the wall screen")]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(expires_at__gt=models.F("created_at")), name="wall_link_expires_later"
            ),
            models.CheckConstraint(condition=models.Q(seconds__range=(5, 600)), name="wall_link_seconds"),
        ]

    def __str__(self) -> str:
        return self.name
