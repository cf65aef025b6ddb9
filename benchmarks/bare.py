"""The floor of the OFREP door: a WSGI callable that reads the body and answers the same bytes each time."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

BODY = b"x" * int(os.environ.get("BARE_BODY_BYTES", "4000"))
HEADERS = [("Content-Type", "application/json"), ("Content-Length", str(len(BODY)))]


def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    environ["wsgi.input"].read()
    start_response("200 OK", HEADERS)
    return [BODY]
