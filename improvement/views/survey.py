"""The public page of a survey: no script, no cookie, no account. Whoever has the link may answer."""

from __future__ import annotations

import logging
import secrets
from typing import Any

from django.db import Error
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from core.errors import DomainError, Invalid, NotFound
from core.proxy import client_address
from improvement.domain.feedback import RATINGS
from improvement.domain.survey_words import WORDS
from improvement.services import surveys
from statuspage.domain.addresses import network
from statuspage.views.documents import SAFE, Request, language

log = logging.getLogger(__name__)


@csrf_exempt  # nobody is signed in here, so there is nothing that another site could do in somebody's name
@require_http_methods(["GET", "HEAD", "POST"])
def survey(request: HttpRequest, token: str) -> HttpResponse:
    """The form, and its answer. `?user=` may name whoever got the link, in a word of the sender's own: one answer."""
    try:
        if request.method != "POST":
            surveys.find(token, now=timezone.now())
            return _page(request, {"once": secrets.token_urlsafe(12)})
        if not request.POST.get("website"):  # a field that people do not see: programs fill it in, and are thanked
            _answer(request, token)
    except NotFound:
        return _page(request, {"told": "ended"}, status=404)
    except Invalid as error:
        flaw = "choose" if error.field == "rating" else "long"
        kept = {"text": request.POST.get("text", "")[:20_000], "once": request.POST.get("once", "")[:100]}
        return _page(request, {"flaw": flaw, "chosen": request.POST.get("rating"), **kept}, status=422)
    except DomainError as error:
        return _page(request, {"told": "many"}, status=error.status)
    except Error:
        log.exception("an answer to a survey could not be taken")
        return _page(request, {"told": "late"}, status=503)
    return _page(request, {"done": True})


def _answer(request: HttpRequest, token: str) -> None:
    rating, user = request.POST.get("rating", ""), request.GET.get("user", "")[:200]
    surveys.answer(
        token,
        rating=int(rating) if rating in map(str, RATINGS) else None,
        text=request.POST.get("text", ""),
        once=f"user {user}" if user else request.POST.get("once", "")[:100],
        network=network(client_address(request) or ""),
        now=timezone.now(),
    )


def _page(request: HttpRequest, told: dict[str, Any], status: int = 200) -> HttpResponse:
    meta = request.META
    chosen = language(Request(request.path, meta.get("QUERY_STRING", ""), meta.get("HTTP_ACCEPT_LANGUAGE", "")))
    words = WORDS[chosen]
    context = {"words": words, "language": chosen, "ratings": RATINGS, "address": request.get_full_path(), **told}
    for name in ("told", "flaw"):
        if name in told:
            context[name] = words[told[name]]
    answer = render(request, "improvement/survey.html", context, status=status)
    for header, value in (*SAFE, ("Cache-Control", "no-store"), ("Vary", "Accept-Language")):
        answer.headers[header] = value
    return answer
