"""What granian serves: the doors that answer from memory, and Django behind them."""

from __future__ import annotations

import atexit
import io
import os
from collections.abc import Iterable
from multiprocessing.util import Finalize
from typing import TYPE_CHECKING

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "nctool_rollout.settings")
django = get_wsgi_application()

from django.conf import settings  # noqa: E402 - after the apps are loaded
from django.utils import timezone  # noqa: E402

import nctool_rollout.urls  # noqa: E402, F401 - now, not at the first request
from flags.api import snapshot as snapshot_door  # noqa: E402
from flags.api.counting import Counting  # noqa: E402
from flags.api.event_streams import EventStreams  # noqa: E402
from flags.api.ofrep import ROOT, OfrepDoor  # noqa: E402
from flags.domain.limit import MinuteLimit  # noqa: E402
from flags.services.holding import holder  # noqa: E402
from flags.services.observing import Observer  # noqa: E402
from nctool_rollout.views import healthz, readyz  # noqa: E402
from statuspage.views.door import ROOTS, StatusDoor, documents  # noqa: E402

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

counting = Counting(units=settings.SEEN_UNITS)
ofrep = OfrepDoor(
    holder(),
    limit=MinuteLimit(settings.EVALUATION_LIMIT_PER_MINUTE),
    origins=settings.CORS_ALLOWED_ORIGINS,
    counting=counting,
    streams=EventStreams(settings.STREAM_URL) if settings.STREAM_URL else None,
)
snapshot = snapshot_door.SnapshotDoor(holder(), limit=MinuteLimit(settings.API_LIMIT_PER_MINUTE))
observer = Observer("web", clock=timezone.now, counting=counting)  # noqa: TID251 - the clock of a door
holder().listeners.append(observer.heard)
atexit.register(observer.stop)
Finalize(None, observer.stop, exitpriority=0)  # granian's workers end by the rules of multiprocessing, without atexit


def behind(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    return django(with_length(environ), start_response)


status = StatusDoor(documents(), behind, https=settings.HTTPS)


def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    path = environ["PATH_INFO"]
    if path.startswith(ROOT):
        return ofrep(environ, start_response)
    if path == snapshot_door.PATH:
        return snapshot(environ, start_response)
    if path.startswith(ROOTS):
        return status(environ, start_response)
    if path == "/healthz":
        return healthz(start_response)
    if path == "/readyz":
        return readyz(holder(), start_response)
    return behind(environ, start_response)


def with_length(environ: WSGIEnvironment) -> WSGIEnvironment:
    """Give a chunked body its length: without one Django takes the body for empty, and would lose it in silence.

    What is too long stays too long: one byte more than Django takes is enough for it to refuse.
    """
    if environ.get("CONTENT_LENGTH") or not environ.get("wsgi.input_terminated"):
        return environ
    body = environ["wsgi.input"].read(settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1)
    return {**environ, "wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body))}
