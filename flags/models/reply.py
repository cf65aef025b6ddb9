from __future__ import annotations

from django.db import models


class Reply(models.Model):
    """The answer to a write of the API that came with an Idempotency-Key: a repeat gets it again.

    `request` is the digest of method, address and body: the same key with another request is refused.
    """

    token = models.ForeignKey("flags.ApiToken", on_delete=models.CASCADE, related_name="replies")
    key = models.CharField(max_length=200)
    request = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField()
    headers = models.JSONField(default=dict)
    body = models.TextField()
    at = models.DateTimeField()

    class Meta:
        ordering = ["at"]
        verbose_name_plural = "replies"
        constraints = [models.UniqueConstraint(fields=["token", "key"], name="reply_once")]

    def __str__(self) -> str:
        return self.key
