from __future__ import annotations

from django.db import models


class Block(models.Model):
    """No ramp of the flag takes a step in the environment while this stands. `holder` is who put it there, and takes it
    away again: `plan:7`.
    """

    environment = models.ForeignKey("core.Environment", on_delete=models.CASCADE, related_name="ramp_blocks")
    flag = models.ForeignKey("flags.Flag", on_delete=models.CASCADE, related_name="ramp_blocks")
    holder = models.CharField(max_length=60)
    why = models.CharField(max_length=300)

    class Meta:
        ordering = ["pk"]
        constraints = [models.UniqueConstraint(fields=["environment", "flag", "holder"], name="ramp_block_once")]

    def __str__(self) -> str:
        return self.why
