"""Whether a database answers at all: asked before what may take a minute, so that nobody waits a minute for a no."""

from __future__ import annotations

from core.errors import Conflict
from migrations_app.adapters import target
from migrations_app.adapters.mongo import Unreachable


def need_answer(environment: str) -> None:
    """Raises Conflict, caused by Unreachable when it does not answer, and alone when none is set up."""
    try:
        target.need_answer(target.connect(environment))
    except Unreachable as error:
        raise Conflict(f"nctool's MongoDB does not answer, and nothing was changed: {error}") from error
