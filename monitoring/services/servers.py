"""The servers of the data sources, ready to be asked."""

from __future__ import annotations

from django.conf import settings

from core.errors import Invalid
from monitoring.adapters.http import HttpProbe, HttpPrometheus, credentials
from monitoring.adapters.ports import Unavailable
from monitoring.domain.source import address
from monitoring.models import Source


def prometheus(source: Source) -> HttpPrometheus:
    """Raises Unavailable while its address or its secrets are not known, Invalid for one that is no Prometheus."""
    if source.kind != "prometheus":
        raise Invalid(f"{source.key} is a probe: it evaluates nothing.", field="source")
    auth = credentials(source.key, source.auth)
    return HttpPrometheus(_address(source), auth=auth, timeout=source.timeout)


def probe(source: Source) -> HttpProbe:
    """Raises Unavailable while its address is not known."""
    return HttpProbe(_address(source), timeout=source.timeout)


def _address(source: Source) -> str:
    url = address(source.url, settings.NCTOOL_URL)
    if not url:
        raise Unavailable("NCTOOL_URL is not set, so nobody knows where nctool is.")
    return url
