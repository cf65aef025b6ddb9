"""The page in front of Django: a bare WSGI callable that answers from memory, and the same documents as a view."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from statuspage.domain.picture import Incident, Maintenance
from statuspage.selectors import shown
from statuspage.services.keeping import Keeper
from statuspage.views.documents import SAFE, Documents, Request, language
from statuspage.views.pages import Asked, kind_of, one

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

ROOTS = ("/status", "/api/v2/")  # what a path of the page begins with
_LINE = {status.value: f"{status.value} {status.phrase}" for status in HTTPStatus}


@cache
def documents() -> Documents:
    """The page of this process."""
    clock = timezone.now
    return Documents(Keeper(Path(settings.DATA_DIR) / "status-page.json", clock=clock), clock=clock)


class StatusDoor:
    """Answers what the page has, by GET and HEAD. Everything else goes on to `behind`: forms, other methods, and what
    the page has no copy of."""

    def __init__(self, documents: Documents, behind: WSGIApplication, *, https: bool) -> None:
        self._documents = documents
        self._behind = behind
        self._https = https

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        method = environ["REQUEST_METHOD"]
        answer = None
        if method in ("GET", "HEAD") and not self._must_redirect(environ):
            answer = self._documents.answer(_request(environ.get))
        if answer is None:
            return self._behind(environ, start_response)
        status, headers, body = answer
        if status != HTTPStatus.NOT_MODIFIED:
            headers = [*headers, ("Content-Length", str(len(body)))]
        start_response(_LINE[status], headers)
        return [] if method == "HEAD" else [body]

    def _must_redirect(self, environ: WSGIEnvironment) -> bool:
        """Django leads visitors from HTTP to HTTPS."""
        return self._https and environ.get("HTTP_X_FORWARDED_PROTO", "") != "https"


@csrf_exempt
def document(request: HttpRequest, public_id: str = "") -> HttpResponse:
    """The same by Django, for a server without the door; and incidents and maintenances that left the page long ago."""
    if request.method not in ("GET", "HEAD"):
        return HttpResponseNotAllowed(["GET", "HEAD"])
    asked = _request(request.META.get, path=request.path)
    answer = documents().answer(asked) or (_old(asked, public_id) if public_id else None)
    if answer is None:
        raise Http404
    status, headers, body = answer
    return HttpResponse(body, status=status, headers=dict(headers))


@csrf_exempt
def program(request: HttpRequest, name: str) -> HttpResponse:
    """The answers for programs, by Django."""
    return document(request)


def _old(asked: Request, public_id: str) -> tuple[int, list[tuple[str, str]], bytes] | None:
    seen = documents().seen()
    row: Incident | Maintenance | None = None
    if seen is not None:
        find = shown.one_incident if "/incidents/" in asked.path else shown.one_maintenance
        row = find(public_id)
    if seen is None or row is None:
        return None
    body = one(row, Asked(asked.path, language(asked)), seen)
    headers = [("Content-Type", f"{kind_of(asked.path)}; charset=utf-8"), ("Vary", "Accept-Language"), *SAFE]
    return 200, headers, body


def _request(get: Callable[[str, str], str], path: str | None = None) -> Request:
    return Request(
        path=get("PATH_INFO", "") if path is None else path,
        query=get("QUERY_STRING", ""),
        languages=get("HTTP_ACCEPT_LANGUAGE", ""),
        encodings=get("HTTP_ACCEPT_ENCODING", ""),
        etags=get("HTTP_IF_NONE_MATCH", ""),
    )
