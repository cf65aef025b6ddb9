from __future__ import annotations

from django.db import models


class Usage(models.Model):
    """How often a flag was asked for in five minutes, by the answer. `at` is when they begin.

    `source` is who counted: `server` (asked here) or `client` (decided in a client library, and reported).
    Keys are kept as text: usage is also told of flags that do not exist.
    """

    environment = models.ForeignKey("core.Environment", on_delete=models.CASCADE, related_name="usage")
    flag_key = models.CharField(max_length=100)
    variant = models.CharField(max_length=100)
    reason = models.CharField(max_length=20)
    source = models.CharField(max_length=10)
    at = models.DateTimeField()
    count = models.PositiveBigIntegerField(default=0)

    class Meta:
        ordering = ["at"]
        verbose_name_plural = "usage"
        constraints = [
            models.UniqueConstraint(
                fields=["environment", "flag_key", "at", "variant", "reason", "source"], name="usage_once"
            )  # in this order it also finds the last hours of one flag
        ]
        indexes = [models.Index(fields=["at"], name="usage_by_time")]

    def __str__(self) -> str:
        return f"{self.flag_key}={self.variant}: {self.count}"


class Asked(models.Model):
    """When a flag was last asked for in one environment, to within five minutes. Outlives the usage it came from.

    Beside the flag's state and not in it: counting must never wait for a change of the flag, nor hold one up.
    """

    state = models.OneToOneField("flags.FlagState", on_delete=models.CASCADE, primary_key=True, related_name="asked")
    at = models.DateTimeField(db_index=True)

    class Meta:
        ordering = ["-at"]
        verbose_name_plural = "asked"

    def __str__(self) -> str:
        return f"{self.state_id} at {self.at}"


class SeenUnit(models.Model):
    """An npub that was asked about, and the last day on which it was. The newest ones are kept."""

    environment = models.ForeignKey("core.Environment", on_delete=models.CASCADE, related_name="seen_units")
    unit = models.CharField(max_length=200)
    seen_on = models.DateField()

    class Meta:
        ordering = ["-seen_on", "id"]
        constraints = [models.UniqueConstraint(fields=["environment", "unit"], name="seen_unit_once")]

    def __str__(self) -> str:
        return self.unit
