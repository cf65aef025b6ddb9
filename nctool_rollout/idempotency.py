"""`Idempotency-Key` on the writes of `/api/`: sent again with the same key, a write is done once and answered twice."""

from __future__ import annotations

from collections.abc import Callable

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone

from core.errors import DomainError
from flags.api.auth import count, presented
from flags.domain.configuration import TokenConfig
from flags.services import replies
from flags.services.replies import Answer
from nctool_rollout.problems import database_gone, problem

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
WRITES = ("POST", "PUT", "PATCH", "DELETE")
KEPT_HEADERS = ("Content-Type", "ETag", "Location", "Retry-After", "Link")


class IdempotencyMiddleware:
    """Next to the views, so that what it stores is neither compressed nor changed. It needs a live token."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        key = request.headers.get(HEADER)
        if key is None or request.method not in WRITES or not request.path_info.startswith("/api/"):
            return self.get_response(request)
        token = presented(request)
        if token is None:
            return self.get_response(request)  # answers 401
        try:
            return self._once(request, token, key)
        except DomainError as error:
            response = problem(error.status, str(error), field=getattr(error, "field", None))
            if retry_after := getattr(error, "retry_after", None):
                response["Retry-After"] = str(retry_after)
            return response
        except (OperationalError, InterfaceError):
            return database_gone()

    def _once(self, request: HttpRequest, token: TokenConfig, key: str) -> HttpResponseBase:
        said: list[HttpResponseBase] = []

        def act() -> Answer:
            said.append(self.get_response(request))
            return _answer(said[0])

        asked = replies.digest(request.method or "", request.get_full_path(), request.body)
        now = timezone.now()  # noqa: TID251 - this is a door
        answer, repeated = replies.once(token.digest, key.strip(), asked, now=now, act=act)
        if not repeated:
            return said[0]
        count(token)  # the view did not
        again = HttpResponse(answer.body, status=answer.status, headers=answer.headers)
        again[REPLAYED] = "true"
        return again


def _answer(response: HttpResponseBase) -> Answer:
    if not isinstance(response, HttpResponse):
        return Answer(response.status_code, {}, "", secret=True)  # a stream is not kept
    headers = {name: response[name] for name in KEPT_HEADERS if name in response}
    secret = "no-store" in response.get("Cache-Control", "")
    return Answer(response.status_code, headers, "" if secret else response.content.decode(), secret)
