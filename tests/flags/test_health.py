"""/healthz and /readyz, asked as granian asks: before Django's middleware, with no Host of ours."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from wsgiref.util import setup_testing_defaults

import pytest
from django.db import OperationalError
from django.utils import timezone
from pytest_django import Settings

from core import heartbeats
from flags.adapters.disk import DiskCopy
from flags.services.holding import Holder
from nctool_rollout import views, wsgi


def call(path: str, door: Callable[..., Any] = wsgi.application, **environ: Any) -> tuple[int, Any]:
    asked = {"PATH_INFO": path, "HTTP_HOST": "10.1.2.3:8000", **environ}
    setup_testing_defaults(asked)
    told: list[Any] = []
    body = b"".join(door(asked, lambda status, headers, exc_info=None: told.append(status)))
    return int(told[0][:3]), json.loads(body)


def ready(holder: Holder) -> tuple[int, Any]:
    return call("/readyz", lambda environ, start: views.readyz(holder, start))


@pytest.fixture(autouse=True)
def fresh_probes() -> Iterator[None]:
    views._probes.cache_clear()
    yield
    views._probes.cache_clear()


def test_a_live_process_says_so_to_anybody() -> None:
    assert call("/healthz") == (200, {"status": "alive"})


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("flag", "redis_bus")
def test_ready_tells_every_part_and_what_is_late(holder: Holder) -> None:
    heartbeats.beat("guard", now=timezone.now())
    status, body = ready(holder)

    assert (status, body["status"]) == (200, "degraded")
    states = {name: part["state"] for name, part in body["parts"].items()}
    assert states == {
        "evaluation": "ok",
        "database": "ok",
        "redis": "ok",
        "mongodb": "down",
        "guard": "ok",
        "ramps": "late",
        "follow": "late",
        "requests": "late",
        "incidents": "late",
        "escalate": "late",
        "announce": "late",
    }
    assert body["parts"]["evaluation"]["source"] == "database"
    assert body["parts"]["evaluation"]["versions"]["production"] >= 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("flag", "redis_bus")
def test_every_part_that_beats_is_ok_and_late_after_three_rounds(holder: Holder) -> None:
    for name, seconds in views.WATCHED.items():
        heartbeats.beat(name, now=timezone.now())
        assert ready(holder)[1]["parts"][name]["state"] == "ok"
        heartbeats.beat(name, now=timezone.now() - timedelta(seconds=3 * seconds + 6))
        assert ready(holder)[1]["parts"][name]["state"] == "late"


class CutOff(Holder):
    """Its database cannot be reached."""

    def refresh(self) -> bool:
        raise OperationalError("gone")


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("flag")
def test_ready_is_503_only_while_flags_cannot_be_evaluated(make_holder: Callable[..., Holder], copy: DiskCopy) -> None:
    for source, status in ((None, 503), ("disk", 200)):
        cut_off = CutOff(copy, poll_seconds=60)
        answer, body = ready(cut_off)
        cut_off.stop()
        assert (answer, body["parts"]["evaluation"].get("source")) == (status, source)
        make_holder().refresh()  # leaves a copy on disk


def test_a_chunked_body_is_given_its_length_and_one_that_is_too_long_stays_too_long(settings: Settings) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    for sent, kept in ((0, 0), (900, 900), (1000, 1000), (5000, 1001)):
        chunked = {"wsgi.input": io.BytesIO(b"x" * sent), "wsgi.input_terminated": True}
        given = wsgi.with_length(chunked)
        assert given["CONTENT_LENGTH"] == str(kept)
        assert len(given["wsgi.input"].read()) == kept
    plain = {"CONTENT_LENGTH": "5", "wsgi.input": io.BytesIO(b"x" * 5), "wsgi.input_terminated": True}
    assert wsgi.with_length(plain) is plain
