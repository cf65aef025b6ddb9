from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import connections, models
from django.db.models import F, Q

from audit.domain.chain import Link


class Chain(models.Model):
    """The seals of one environment's events, or of those of none (`name` is empty then). The row is its head.

    `number` and `digest` are of the last seal; 0: there is none. The signature is over both, empty: not signed.
    """

    name = models.CharField(max_length=40, unique=True, blank=True)
    environment = models.OneToOneField(
        "core.Environment", null=True, blank=True, on_delete=models.PROTECT, related_name="chain"
    )
    number = models.PositiveBigIntegerField(default=0)
    digest = models.BinaryField(max_length=32)
    sealed_at = models.DateTimeField(null=True, blank=True)
    signature = models.CharField(max_length=100, blank=True)
    key = models.CharField(max_length=50, blank=True, help_text="The public key, in base64.")

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name or "no environment"


class SealQuerySet(models.QuerySet["Seal"]):
    """The ORM takes five times as long to write a row as the database does, and writers of events wait meanwhile."""

    def append(self, chain: Chain, links: Sequence[Link], *, sealed_at: datetime, looked_at: datetime | None) -> None:
        """Write these links of the chain, which carry the same two times as text."""
        connection = connections[self.db]
        moment = connection.ops.adapt_datetimefield_value
        times = (moment(sealed_at), moment(looked_at))
        rows = [(chain.pk, *link[:4], *times, link.previous, link.digest) for link in links]
        with connection.cursor() as cursor:
            cursor.executemany(_APPEND, rows)


_APPEND = """
    INSERT INTO audit_seal (chain_id, number, event_id, form, content, sealed_at, looked_at, previous, digest)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)
"""


class Seal(models.Model):
    """One event in its chain, by its number. It stays when the event is forgotten, and holds none of its words.

    `event_id` is no foreign key: retention keeps events that other rows stand on, and must not keep all.
    """

    chain = models.ForeignKey(Chain, on_delete=models.PROTECT, related_name="seals")
    number = models.PositiveBigIntegerField()
    event_id = models.PositiveBigIntegerField(unique=True)
    form = models.PositiveSmallIntegerField()
    content = models.BinaryField(max_length=32)
    sealed_at = models.DateTimeField()
    looked_at = models.DateTimeField(null=True, blank=True)
    previous = models.BinaryField(max_length=32)
    digest = models.BinaryField(max_length=32)
    forgotten_by = models.PositiveBigIntegerField(null=True, blank=True, help_text="The event that tells of it.")

    objects = SealQuerySet.as_manager()

    class Meta:
        ordering = ["chain", "number"]
        permissions = [("verify_seal", "Can have the event log verified")]
        constraints = [models.UniqueConstraint(fields=["chain", "number"], name="seal_once")]
        indexes = [
            models.Index(fields=["forgotten_by"], name="seal_forgotten", condition=Q(forgotten_by__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.chain_id}/{self.number}"


class Sealer(models.Model):
    """One row: how far the sealing is. Who holds its lock seals.

    All events up to `settled` that will ever be are sealed; above it a long transaction may still bring one.
    `cursor` is the highest sealed event, `pending` the next `settled`, once `pending_at` is long ago.
    `looked_at`: when the sealer last had sealed all there was, also late ones. `heads_on`: the last day heads went out.
    """

    cursor = models.PositiveBigIntegerField(default=0)
    settled = models.PositiveBigIntegerField(default=0)
    pending = models.PositiveBigIntegerField(default=0)
    pending_at = models.DateTimeField(null=True, blank=True)
    looked_at = models.DateTimeField(null=True, blank=True)
    ran_at = models.DateTimeField(null=True, blank=True)
    heads_on = models.DateField(null=True, blank=True)
    fence = models.PositiveBigIntegerField(default=0)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(id=1), name="sealer_is_one"),
            models.CheckConstraint(condition=Q(settled__lte=F("cursor")), name="sealer_settles_what_it_sealed"),
        ]

    def __str__(self) -> str:
        return f"up to event {self.cursor}"
