from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from django.db import connections, models


class Addition(NamedTuple):
    """What is added to one row."""

    environment_id: int
    flag_key: str
    variant: str
    reason: str
    source: str
    at: datetime
    times: int


class UsageQuerySet(models.QuerySet["Usage"]):
    """The ORM's upsert replaces; this one adds, in the database, so that no process loses what another counted."""

    def add(self, additions: Sequence[Addition]) -> None:
        """Add to the rows, making those that are missing. Sorted, so that two writers never wait crosswise."""
        connection = connections[self.db]
        moment = connection.ops.adapt_datetimefield_value
        rows = [(*row[:5], moment(row.at), row.times) for row in sorted(additions)]
        with connection.cursor() as cursor:
            for start in range(0, len(rows), ADDED_AT_ONCE):
                some = rows[start : start + ADDED_AT_ONCE]
                values = ", ".join(["(%s, %s, %s, %s, %s, %s, %s)"] * len(some))
                cursor.execute(_ADD.format(values=values), [value for row in some for value in row])


ADDED_AT_ONCE = 500
_ADD = """
    INSERT INTO flags_usage (environment_id, flag_key, variant, reason, source, at, count) VALUES {values}
    ON CONFLICT (environment_id, flag_key, at, variant, reason, source)
    DO UPDATE SET count = flags_usage.count + excluded.count
"""


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

    objects = UsageQuerySet.as_manager()

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
        indexes = [models.Index(fields=["environment", "-seen_on", "-id"], name="seen_unit_newest")]

    def __str__(self) -> str:
        return self.unit
