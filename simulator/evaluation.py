"""Ask which features an npub has: OFREP, all flags in one call."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from simulator.plan import FLAGS
from simulator.wire import Answer, Unreachable, Wire

log = logging.getLogger(__name__)
PATH = "/ofrep/v1/evaluate/flags"


@dataclass(frozen=True, slots=True)
class Features:
    """The flags that are on for an npub, and their parameters as far as the server tells them."""

    on: frozenset[str] = frozenset()
    parameters: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def parameter(self, flag: str, name: str, default: Any) -> Any:
        return self.parameters.get(flag, {}).get(name, default)


class Evaluator:
    """Never fails: without an answer it gives the last one for this npub, or everything off.

    `refused` is called when the server does not take the token.
    """

    def __init__(self, wire: Wire, *, refused: Callable[[], None], clock: Callable[[], float]) -> None:
        self._wire, self._refused, self._clock = wire, refused, clock
        self._known: dict[str, Features] = {}
        self._quiet_until = 0.0
        self._lock = threading.Lock()
        self._trouble = ""

    def features(self, npub: str) -> Features:
        if self._clock() >= self._quiet_until:
            found = self._ask(npub)
            if found is not None:
                self._known[npub] = found
        return self._known.get(npub, Features())

    def _ask(self, npub: str) -> Features | None:
        try:
            answer = self._wire.post(PATH, {"context": {"targetingKey": npub}})
        except Unreachable as error:
            self._tell(f"cannot be reached: {error}")
            return None
        if answer.status == 200 and isinstance(answer.body, dict):
            self._tell("")
            return read(answer.body)
        if answer.status == 401:
            self._refused()
        if answer.status == 429:
            self._quiet_until = self._clock() + (answer.retry_after or 1)
        self._tell(f"answers {answer.status}: {_detail(answer)}")
        return None

    def _tell(self, trouble: str) -> None:
        """One line when the trouble changes, not one per melt."""
        with self._lock:
            before, self._trouble = self._trouble, trouble
        if trouble and trouble != before:
            log.warning("The evaluation %s. Going on with the last known flags.", trouble)
        elif before and not trouble:
            log.info("The evaluation answers again.")


def read(body: Mapping[str, Any]) -> Features:
    """The features in a bulk answer. A flag without a value (disabled, unknown, failed) is off."""
    rows = [row for row in body.get("flags", []) if isinstance(row, dict) and row.get("key") in FLAGS]
    return Features(
        on=frozenset(row["key"] for row in rows if row.get("value") is True),
        parameters={row["key"]: row.get("metadata") or {} for row in rows},
    )


def _detail(answer: Answer) -> str:
    body = answer.body if isinstance(answer.body, dict) else {}
    return str(body.get("errorDetails") or body.get("detail") or body.get("title") or "no details")
