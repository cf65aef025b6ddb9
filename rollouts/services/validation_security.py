"""securityCompliance: TLS, headers, tokens, passwords, and what Django says of the settings."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core import checks
from django.urls import reverse

import flags.selectors
from core.moments import span
from rollouts.adapters.validation_http import Answer, Http, Unreachable
from rollouts.domain.validation import Findings, Result, Subject, few

log = logging.getLogger(__name__)
OLDEST = timedelta(days=90)
GUESSES = ("password", "admin", "changeme", "nctool", "12345678")  # and the person's own name
BUDGET = 12.0  # seconds for trying passwords: their hashes are slow on purpose
LEAST_KEY = 50  # characters, as Django's own check wants it
HEADERS = {
    "content-security-policy": "",
    "x-frame-options": "DENY",
    "x-content-type-options": "nosniff",
    "referrer-policy": "",
}


def check(subject: Subject, http: Http, *, address: str, clock: Callable[[], float] = time.monotonic) -> Result:
    """`address` is where this product answers; PUBLIC_URL is what people and nctool use."""
    found = Findings()
    _tls(http, found)
    _headers(http, address, found)
    _settings(found)
    _deploy(found)
    _tokens(subject, found)
    _passwords(subject, found, clock)
    return found.result("Nothing speaks against it.", "{} not as secure as it must be.")


def _tls(http: Http, found: Findings) -> None:
    """The certificate is checked by asking: one that is wrong or has run out does not answer."""
    url = settings.PUBLIC_URL
    if urlsplit(url).scheme != "https":
        value = f"{url or 'no PUBLIC_URL'}: not encrypted"
        if settings.PRODUCTION:
            todo = "Put a proxy with TLS in front, and set PUBLIC_URL to its https address (docs/run.md)."
            found.judge("TLS", value, ok=False, todo=todo)
        else:
            found.tell("TLS", f"{value}, which is fine on this machine alone")
        return
    try:
        status = http.get(f"{url.rstrip('/')}/healthz").status
        value, well = f"{url} answers {status} with a valid certificate", status == 200
    except Unreachable as error:
        value, well = str(error), False
    found.judge("TLS", value, ok=well, todo="See that PUBLIC_URL answers and that its certificate is valid.")


def _headers(http: Http, address: str, found: Findings) -> None:
    if not address:
        todo = "Set SELF_URL to where its web server answers, for example http://127.0.0.1:8000."
        found.judge("Headers", "no address of the web server is known", ok=False, todo=todo)
        return
    url = f"{address.rstrip('/')}{reverse('admin:login')}"
    try:
        answer = http.get(url, headers={"X-Forwarded-Proto": "https"})
    except Unreachable as error:
        found.judge("Headers", str(error), ok=False, todo="See that the web server answers at SELF_URL.")
        return
    todo = "See what a proxy in front or a changed setting does to the headers of the sign-in page."
    missing = [name for name, wanted in _wanted().items() if not _has(answer, name, wanted)]
    value = f"{url} answers {answer.status}; " + (f"without {few(missing)}" if missing else "all are there")
    found.judge("Headers of the sign-in page", value, ok=answer.status == 200 and not missing, todo=todo)


def _wanted() -> dict[str, str]:
    return HEADERS | ({"strict-transport-security": "max-age="} if settings.HTTPS else {})


def _has(answer: Answer, name: str, wanted: str) -> bool:
    return name in answer.headers and wanted in answer.headers[name]


def _settings(found: Findings) -> None:
    key = settings.SECRET_KEY
    strong = len(key) >= LEAST_KEY and len(set(key)) >= 5 and not key.startswith("django-insecure-")
    found.judge(
        "SECRET_KEY",
        f"{len(key)} characters" if strong else "short, or a known one",
        ok=strong,
        todo="Put 50 or more random characters into SECRET_KEY and restart: everybody signs in again.",
    )
    value = "on" if settings.DEBUG else "off"
    found.judge("DEBUG", value, ok=not (settings.DEBUG and settings.PRODUCTION), todo="Unset DEBUG and restart.")
    limits = {
        "API_LIMIT_PER_MINUTE": settings.API_LIMIT_PER_MINUTE,
        "EVALUATION_LIMIT_PER_MINUTE": settings.EVALUATION_LIMIT_PER_MINUTE,
        "LOGIN_ATTEMPTS": settings.AXES_FAILURE_LIMIT if getattr(settings, "AXES_ENABLED", True) else 0,
    }
    value = ", ".join(f"{name} {most:,}" for name, most in limits.items())
    found.judge("Rate limits", value, ok=all(most > 0 for most in limits.values()), todo="Set limits of 1 or more.")


def _deploy(found: Findings) -> None:
    """What `manage.py check --deploy` says. On a machine without TLS it warns of just that, which is only told."""
    told = checks.run_checks(tags=["security", "rollout"], include_deployment_checks=True)
    errors = [each for each in told if each.level >= checks.ERROR]
    warnings = [each for each in told if checks.WARNING <= each.level < checks.ERROR]
    if settings.PRODUCTION:
        errors += [each for each in warnings if str(each.id).startswith("security.")]
    rest = [each for each in warnings if each not in errors]
    value = f"{few(_ids(errors))}: {errors[0].msg}" if errors else "no errors"
    todo = "Run python manage.py check --deploy: it tells what to set."
    found.judge("Deploy checks", value.replace("\n", " "), ok=not errors, todo=todo)
    if rest:
        found.tell("Deploy checks, hints", few(_ids(rest)))


def _ids(messages: Sequence[Any]) -> list[str]:
    return [str(each.id) for each in messages]


def _tokens(subject: Subject, found: Findings) -> None:
    """A token is never changed: its age is how long ago it was rotated."""
    live = flags.selectors.tokens().filter(environment_id=subject.environment_id, revoked_at=None)
    rows = list(live.values_list("name", "created_at"))
    old = [f"{name} ({span(subject.now - made)})" for name, made in rows if made < subject.now - OLDEST]
    days = OLDEST.days
    value = f"older than {days} days: {few(old)}" if old else f"none of {len(rows)} is older than {days} days"
    todo = "Make new tokens for whoever uses the old ones, change them there, then revoke the old ones (API tokens)."
    found.judge("API tokens", value, ok=not old, todo=todo)


def _passwords(subject: Subject, found: Findings, clock: Callable[[], float]) -> None:
    """Tries a few passwords that everybody would try. Each run begins with other people, as far as the time goes.

    Whose they are stands in the log alone: everybody who may look at validations would try them too.
    """
    people = list(get_user_model().objects.filter(is_active=True, is_staff=True).order_by("pk"))
    first = subject.run % len(people) if people else 0
    end, tried, open_to_all = clock() + BUDGET, 0, []
    for person in [*people[first:], *people[:first]]:
        if clock() > end:
            break
        tried += 1
        if any(person.check_password(guess) for guess in (person.get_username(), *GUESSES)):
            open_to_all.append(person.get_username())
    value = f"{tried} of {len(people)} people tried with {len(GUESSES) + 1} passwords each"
    if open_to_all:
        log.warning("Passwords that are easy to guess: %s", ", ".join(open_to_all))
        value = f"{len(open_to_all)} easy to guess; {value}"
    todo = "See in the worker's log whose passwords these are, and give these people new ones (People)."
    found.judge("Passwords", value, ok=not open_to_all, todo=todo)
