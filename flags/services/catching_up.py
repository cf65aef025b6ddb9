"""Never answer with less than the caller has heard of already.

The stream and each web process hear of a change by themselves. A client that was told of a version by the one may ask
the other before it has taken it.
"""

from __future__ import annotations

import logging
import time
from threading import Lock

from django.db import close_old_connections, connection

from flags.services.holding import Held, Holder

log = logging.getLogger(__name__)
PATIENCE = 0.5  # seconds for one who waits while another one looks
_PAUSE = 2.0  # seconds without a further try after the database did not answer
_STEP = 0.005


class CatchUp:
    """One thread looks into the database, the others wait for it: evaluation shares these threads."""

    def __init__(self, holder: Holder) -> None:
        self._holder = holder
        self._looking = Lock()
        self._silent_until = 0.0

    def held(self, environment: str, version: int) -> Held:
        """What is held, with this version of the environment where the database has it."""
        began = time.monotonic()
        while not self._enough(environment, version, began):
            if self._looking.acquire(blocking=False):
                try:
                    if not self._enough(environment, version, began):
                        self._look()
                finally:
                    self._looking.release()
                break
            time.sleep(_STEP)
        return self._holder.held

    def _enough(self, environment: str, version: int, began: float) -> bool:
        """It is there, or the database has been asked since, or asking is of no use."""
        now = time.monotonic()
        if now < self._silent_until or now - began > PATIENCE:
            return True
        found = self._holder.held.configurations.get(environment)
        checked = self._holder.checked_at
        return found is None or found.version >= version or (checked is not None and checked > began)

    def _look(self) -> None:
        try:
            close_old_connections()
            self._holder.refresh()
        except Exception as error:  # whatever it is, what is held must do
            self._silent_until = time.monotonic() + _PAUSE
            log.warning("the database cannot be asked for the version a client has heard of: %r", error)
            connection.close()
