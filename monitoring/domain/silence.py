"""When an environment that reported says nothing any more."""

from __future__ import annotations

from enum import StrEnum

SILENT_AFTER = 60  # seconds without a measurement; looked at every ten, so it is told within 80
REPORTED_WITHIN = 3600  # only who reported in the last hour can fall silent


class Heard(StrEnum):
    """What is told of an environment's measurements."""

    SILENT = "metrics.silent"
    HEARD = "metrics.heard"


def news(*, last: float | None, told_silent: bool, guarded: bool, now: float) -> Heard | None:
    """What has to be told now, if anything.

    Args:
        last: the end of the newest measurement of the last hour (unix seconds); None: there is none.
        told_silent: the last thing told of this environment is that it is silent.
        guarded: a flag is on there, or a trigger armed.
    """
    if last is None:
        return None
    silent = now - last > SILENT_AFTER
    if silent and guarded and not told_silent:
        return Heard.SILENT
    return Heard.HEARD if told_silent and not silent else None
