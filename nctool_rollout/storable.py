"""An address that holds what no database can store is refused before anything is looked up by it."""

from __future__ import annotations

from collections.abc import Callable

from django.core.exceptions import BadRequest
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from core.texts import is_storable


class StorableAddressMiddleware:
    """Answers 400 where path or query hold NUL: PostgreSQL would end the request in an error of ours."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        asked = (text for name, values in request.GET.lists() for text in (name, *values))
        if not is_storable(request.path_info) or not all(map(is_storable, asked)):
            raise BadRequest("The address holds the character NUL.")
        return self.get_response(request)
