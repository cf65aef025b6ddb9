"""What granian serves as the stream, in a process of its own: an open line must not hold a thread of the web server."""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import signal
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "nctool_rollout.settings")
django.setup()

from django.conf import settings  # noqa: E402 - after the apps are loaded
from django.utils import timezone  # noqa: E402

from flags.api.stream import Receive, Scope, Send, StreamDoor  # noqa: E402
from flags.domain.limit import MinuteLimit  # noqa: E402
from flags.services.holding import holder  # noqa: E402
from flags.services.observing import Observer  # noqa: E402

SPARE_FILES = 100  # beside the connections

door = StreamDoor(
    holder(),
    connections=settings.STREAM_CONNECTIONS,
    limit=MinuteLimit(settings.API_LIMIT_PER_MINUTE),
    origins=settings.CORS_ALLOWED_ORIGINS,
)
observer = Observer("stream", clock=timezone.now)  # noqa: TID251 - the clock of a door
holder().listeners.append(observer.heard)


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "lifespan":
        await _live(receive, send)
    elif scope["type"] == "http":
        await door(scope, receive, send)


async def _live(receive: Receive, send: Send) -> None:
    """From the start of the process to its end."""
    while True:
        message: Any = await receive()
        if message["type"] == "lifespan.startup":
            _allow_files()
            _end_on_signal(asyncio.get_running_loop())
            await door.open()
            await send({"type": "lifespan.startup.complete"})
        else:
            await asyncio.to_thread(observer.stop)
            await send({"type": "lifespan.shutdown.complete"})
            return


def _end_on_signal(loop: asyncio.AbstractEventLoop) -> None:
    """granian waits for every line to end before it tells of the shutdown, so the lines must hear of it first.

    Its own handler is the loop's, which is called besides this one.
    """
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: loop.call_soon_threadsafe(door.close))


def _allow_files() -> None:
    """Each connection is an open file; a shell's limit is often 1,024, and the kernel allows many more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = settings.STREAM_CONNECTIONS + SPARE_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
