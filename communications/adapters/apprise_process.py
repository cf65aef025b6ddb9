"""One message by Apprise, in a process of its own: `python -I apprise_process.py`, the message as JSON on stdin.

Apprise waits for each byte of an answer anew and keeps the whole of it, so nothing inside a process can limit it.
This one is ended when its time is over, and may use so much memory. It imports nothing of ours: it starts in 0.3 s.
"""

from __future__ import annotations

import json
import logging
import resource
import sys

MEMORY = 1 << 30  # bytes of address space; Apprise itself takes a quarter of it


class _Heard(logging.Handler):
    """What Apprise says to its log is the only reason that it gives."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.last = ""

    def emit(self, record: logging.LogRecord) -> None:
        self.last = record.getMessage()


def main() -> None:
    """Print one line of JSON: `known` is false for a URL that is none, else whether it was `taken`, and what was
    `told`."""
    given = json.load(sys.stdin)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    import apprise

    logger, heard = logging.getLogger("apprise"), _Heard()
    logger.propagate = False
    logger.addHandler(heard)
    service = apprise.Apprise.instantiate(given["url"], suppress_exceptions=True)
    taken, told = False, ""
    if service is not None:
        try:
            taken = bool(service.notify(body=given["body"], title=given["title"], notify_type=given["type"]))
            told = heard.last or f"{service.service_name} did not take it."
        except Exception as error:
            told = f"{type(error).__name__}: {error}"
    sys.stdout.write(f"\n{json.dumps({'known': service is not None, 'taken': taken, 'told': told})}\n")


if __name__ == "__main__":
    main()
