"""What no database can store is refused before anything is looked up by it or written: once, for all of `/api/v1`."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest

from core.texts import check_storable, check_storable_within

LEAVES_OUT = ("/api/v1/clients/report",)  # of a report of many npubs, it leaves out the one that nobody can have
ESCAPED = (b"\\u0000", b"\\ud", b"\\uD")  # how JSON writes NUL and surrogates: nothing else is read twice


def storable(view: Callable[..., Any]) -> Callable[..., Any]:
    """For an operation of ninja: raises Invalid where its query or its JSON holds what cannot be stored."""

    @wraps(view)
    def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        for name, values in request.GET.lists():
            for value in values:
                check_storable(value, field=name)
        if request.path_info not in LEAVES_OUT:
            check_storable_within(_escaped(request))
        return view(request, *args, **kwargs)

    return checked


def _escaped(request: HttpRequest) -> Any:
    """What was sent as JSON, where it holds such an escape. Ninja reads every body as JSON but that of a file."""
    if request.content_type == "multipart/form-data" or not any(sign in request.body for sign in ESCAPED):
        return None
    try:
        return json.loads(request.body)
    except ValueError:  # nobody has read it: it came with an operation that takes no body
        return None
