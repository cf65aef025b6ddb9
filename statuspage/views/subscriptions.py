"""The forms of visitors. They have no session and no cookie; each form carries a signed token that ends after a while.

A link that was sent to an address is a right by itself: a POST to it needs no more, which is also how RFC 8058 lets
mail programs unsubscribe. A GET changes nothing, because programs look at the links of mails.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.core import signing
from django.db import Error
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import override
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from core.errors import DomainError, Invalid
from core.proxy import client_address
from statuspage.domain.addresses import network
from statuspage.domain.languages import said
from statuspage.selectors import links
from statuspage.services import subscribing
from statuspage.views.documents import SAFE, Request, language
from statuspage.views.door import documents
from statuspage.views.pages import frame

log = logging.getLogger(__name__)
FORM = "statuspage.form"  # salt of the form's token
OPEN = timedelta(hours=2)


@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def subscribe(request: HttpRequest) -> HttpResponse:
    chosen = _language(request)
    with override(chosen):
        if request.method != "POST":
            return _page(request, "subscribe", _form(request, chosen))
        try:
            _check_token(request.POST.get("form", ""))
            subscribing.subscribe(
                request.POST.get("kind", ""),
                request.POST.get("address", ""),
                components=request.POST.getlist("components"),
                language=chosen,
                network=network(client_address(request) or ""),
                now=timezone.now(),
            )
        except DomainError as error:
            return _page(request, "subscribe", _form(request, chosen) | {"flaw": _(str(error))}, status=error.status)
        except Error:
            return _away(request)
        sentence = _(
            "A link is on its way to this address, unless one was sent within the last ten minutes. Nothing else is "
            "sent before you use it. It is good for 48 hours."
        )
        return _page(request, "message", {"title": _("Look for our message"), "sentence": sentence})


@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def confirm(request: HttpRequest, token: str) -> HttpResponse:
    """The link of the confirmation. An endpoint of a webhook may POST to it by itself."""
    with override(_language(request)):
        if request.method != "POST":
            sentence = _("Do you want to be told of incidents and maintenance at the address that got this link?")
            button = _("Yes, subscribe")
            asked = {"title": _("Subscribe"), "sentence": sentence, "button": button}
            return _done(request, lambda: links.read_confirmation(token), asked)
        done = {"title": _("You are subscribed"), "sentence": _("Each message has a link to leave.")}
        return _done(request, lambda: subscribing.confirm(token, now=timezone.now()), done)


@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    """The link of every message; a mail program POSTs to it for its own button."""
    with override(_language(request)):
        if request.method != "POST":
            sentence = _("You will be told nothing more, and your address is deleted.")
            button = _("Unsubscribe")
            asked = {"title": _("Unsubscribe"), "sentence": sentence, "button": button}
            return _done(request, lambda: links.read_unsubscription(token), asked)
        done = {"title": _("You have left"), "sentence": _("Your address is deleted. Nothing more is sent to it.")}
        return _done(request, lambda: subscribing.unsubscribe(token, now=timezone.now()), done)


def _done(request: HttpRequest, act: Callable[[], object], done: dict[str, Any]) -> HttpResponse:
    """What `done` says, once `act` has done it; or why it was refused."""
    try:
        act()
    except DomainError as error:
        told = {"title": _("This did not work"), "sentence": _(str(error))}
        return _page(request, "message", told, status=error.status)
    except Error:
        return _away(request)
    return _page(request, "message", done)


def _away(request: HttpRequest) -> HttpResponse:
    """The database cannot be reached. The page itself goes on, so this has its looks."""
    log.exception("a form of the status page could not be taken")
    sentence = _("We cannot take this right now. Try again in a few minutes.")
    return _page(request, "message", {"title": _("This did not work"), "sentence": sentence}, status=503)


def _form(request: HttpRequest, chosen: str) -> dict[str, Any]:
    seen = documents().seen()
    shown = seen.picture.components if seen else ()
    return {
        "title": _("Subscribe"),
        "form_token": signing.TimestampSigner(salt=FORM).sign("open"),
        "components": [(each.key, said(each.names, chosen)) for each in shown],
        "kind": request.POST.get("kind", ""),
        "address": request.POST.get("address", ""),
        "chosen": request.POST.getlist("components"),
    }


def _check_token(token: str) -> None:
    try:
        signing.TimestampSigner(salt=FORM).unsign(token, max_age=OPEN)
    except signing.BadSignature:
        raise Invalid("This form was open for too long. Send it again.") from None


def _page(request: HttpRequest, template: str, told: dict[str, Any], status: int = 200) -> HttpResponse:
    seen = documents().seen()
    around = {"path": request.path, "language": _language(request), "name": "", "others": []}
    if seen is not None:
        around = frame(request.path, _language(request), seen.picture)
    answer = render(request, f"statuspage/{template}.html", {**around, **told}, status=status)
    for name, value in (*SAFE, ("Cache-Control", "no-store"), ("Vary", "Accept-Language")):
        answer.headers[name] = value
    return answer


def _language(request: HttpRequest) -> str:
    meta = request.META
    return language(Request(request.path, meta.get("QUERY_STRING", ""), meta.get("HTTP_ACCEPT_LANGUAGE", "")))
