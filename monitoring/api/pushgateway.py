"""What jobs push to a Pushgateway: `PUT` or `POST /metrics/job/NAME{/LABEL/VALUE}`."""

from __future__ import annotations

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from core import environments
from core.errors import DomainError, Invalid
from flags.api.auth import admit, text_of
from flags.services.tokens import Scope
from monitoring.domain import exposition
from monitoring.domain.metrics import Push
from monitoring.services import ingest
from monitoring.services.ingest import Cumulative, Gauge

MOST_BYTES = 4 * 1024 * 1024


@csrf_exempt
@require_http_methods(["PUT", "POST", "DELETE"])
def push(request: HttpRequest, group: str) -> HttpResponse:
    """Store the samples now. A delete undoes nothing: what was measured was measured; the series just ends."""
    try:
        token = admit(text_of(request), [Scope.REPORT])
        if token is None:
            answer = HttpResponse("Send a live token with the scope report.\n", status=401, content_type="text/plain")
            answer["WWW-Authenticate"] = 'Basic realm="push"'
            return answer
        labels = exposition.grouping(group)
        if request.method != "DELETE":
            _store(token.environment, request, labels)
    except DomainError as error:
        field = getattr(error, "field", None)
        status = 400 if error.status == 422 else error.status
        return HttpResponse(f"{field}: {error}\n" if field else f"{error}\n", status=status, content_type="text/plain")
    return HttpResponse(status=202)


def _store(environment: str, request: HttpRequest, labels: dict[str, str]) -> None:
    now = timezone.now()
    if len(request.body) > MOST_BYTES:
        raise Invalid(f"At most {MOST_BYTES:,} bytes in one push.", field="body")
    openmetrics = request.content_type == "application/openmetrics-text"
    text = request.body.decode("utf-8", errors="replace")
    found = exposition.read(text, labels, openmetrics=openmetrics, now=now.timestamp())
    where = environments.get(environment).pk
    with transaction.atomic():
        totals = [Cumulative(one.name, dict(one.labels), one.at, one.value) for one in found.totals]
        gauges = [Gauge(one.name, dict(one.labels), one.at, one.value) for one in found.gauges]
        ingest.store_totals(where, Push.PUSHGATEWAY, totals, now=now)
        ingest.store_gauges(where, Push.PUSHGATEWAY, gauges, now=now)
