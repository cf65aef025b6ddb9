"""Every error of `/api/` in one shape: RFC 9457 `application/problem+json`."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import orjson
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseNotFound
from django.http.response import HttpResponseBase

CONTENT_TYPE = "application/problem+json"
_DETAILS = {
    400: "The request could not be read.",
    401: "Send a live token, as `Authorization: Bearer <token>` or as `X-API-Key: <token>`.",
    404: "There is nothing at this address. /api/v1/openapi.json lists what there is.",
    405: "This address does not know that method. /api/v1/openapi.json lists what it knows.",
    500: "The request failed here. It has been logged; what it would have changed was not changed.",
}


def problem(status: int, detail: str, **more: Any) -> HttpResponse:
    """`title` is the status in words; `more` are further members, left out when None."""
    body = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail}
    body |= {name: value for name, value in more.items() if value is not None}
    return HttpResponse(orjson.dumps(body), status=status, content_type=CONTENT_TYPE)


def database_gone() -> HttpResponse:
    """The database does not answer."""
    response = problem(503, "The database cannot be reached, so nothing was changed. Flags are still evaluated.")
    response["Retry-After"] = "5"
    return response


class ProblemMiddleware:
    """Gives errors that Django or ninja answered in HTML or plain text the shape of the others, under /api/."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        api = request.path_info.startswith("/api/")
        if "\0" in request.path_info:  # no key has one, and PostgreSQL cannot even be asked
            return problem(404, _DETAILS[404]) if api else HttpResponseNotFound("There is nothing at this address.")
        if not api:
            return self.get_response(request)
        most = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        if int(request.META.get("CONTENT_LENGTH") or 0) > most:
            return problem(413, f"A request has at most {most} bytes.")
        response = self.get_response(request)
        shaped_already = response.get("Content-Type", "").startswith(CONTENT_TYPE) or getattr(
            response, "foreign", False
        )
        if response.status_code < 400 or shaped_already:
            return response
        status = response.status_code
        shaped = problem(status, _DETAILS.get(status, f"{response.reason_phrase}."))
        for header in ("Allow", "WWW-Authenticate", "Retry-After"):
            if header in response:
                shaped[header] = response[header]
        return shaped
