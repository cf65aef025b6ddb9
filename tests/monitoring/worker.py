"""A guard in a process of its own that stops before one statement of its transaction, and waits to be killed.

Arguments: the database as JSON, the time at which it looks, and the statement: its beginning without quotes,
and, when it comes several times, which one; or COMMIT.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any


def stop() -> None:
    sys.stdout.write("stopped\n")
    sys.stdout.flush()
    time.sleep(60)


def main(database: str, now: str, statement: str) -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    import django
    from django.conf import settings

    settings.DATABASES["default"].update(json.loads(database))
    django.setup()
    from django.db import connection

    from monitoring.services import guard

    beginning, which = _split(statement)
    seen = 0

    def watch(execute: Callable[..., Any], sql: str, params: Any, many: Any, context: Any) -> Any:
        nonlocal seen
        if sql.replace('"', "").startswith(beginning):
            seen += 1
            if seen == which:
                stop()
        return execute(sql, params, many, context)

    if statement == "COMMIT":
        connection.ensure_connection()
        connection._commit = stop
    with connection.execute_wrapper(watch):
        guard.judge_all(now=datetime.fromisoformat(now))


def _split(statement: str) -> tuple[str, int]:
    beginning, _, last = statement.rpartition(" ")
    return (beginning, int(last)) if last.isdigit() else (statement, 1)


if __name__ == "__main__":
    main(*sys.argv[1:])
