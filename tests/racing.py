"""Several callers at once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.db import connection

from core.errors import DomainError


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    """Run all calls from one starting gun, each with a connection of its own; the results, with refusals as values."""
    gun = threading.Barrier(len(calls))

    def run(call: Callable[[], Any]) -> Any:
        gun.wait()
        try:
            return call()
        except DomainError as refusal:
            return refusal
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))
