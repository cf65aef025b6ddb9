"""Each channel has a lane of its own, so that one that is slow keeps no other waiting."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from threading import Event, Thread

from django.db import close_old_connections, connection

from communications.models import Announcement, Channel
from communications.services import sending
from communications.services.connecting import Connect, Send

log = logging.getLogger(__name__)
WIDTH = 4  # messages of one channel under way at a time: each takes at most 10 s, and the lease is 60 s
PAUSE = 0.25  # seconds between two looks while nothing waits


class Lane:
    """The senders of one channel, in threads of their own, until it is stopped."""

    def __init__(
        self, channel: Channel, connect: Connect, *, clock: Callable[[], datetime], jitter: Callable[[], float]
    ) -> None:
        self._channel_id, self._connect = channel.pk, connect
        self._clock, self._jitter = clock, jitter
        self._stopping = Event()
        self._pool = ThreadPoolExecutor(WIDTH, thread_name_prefix=f"lane-{channel.key}")
        self._thread = Thread(target=self._run, name=f"lane-{channel.key}", daemon=True)
        self._thread.start()

    def stop(self, *, seconds: float) -> None:
        """Take nothing more; what is under way has so long to end. What does not is sent again, with the same key."""
        self._stopping.set()
        self._thread.join(seconds)
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _run(self) -> None:
        while not self._stopping.is_set():
            if not self._round():
                self._stopping.wait(PAUSE)
        connection.close()

    def _round(self) -> bool:
        """Send what is due, up to WIDTH at a time; whether there was anything."""
        close_old_connections()
        try:
            channel = Channel.objects.filter(pk=self._channel_id, enabled=True).first()
            if channel is None:
                return False
            rows = sending.claim(channel, most=WIDTH, now=self._clock())
            if rows:
                hand_over = self._connect(channel)
                list(self._pool.map(lambda row: self._send(row, hand_over), rows))
            return bool(rows)
        except Exception:
            log.exception("the lane of channel %s stumbled; what it took is sent again", self._channel_id)
            return False

    def _send(self, row: Announcement, hand_over: Send) -> None:
        close_old_connections()
        try:
            sending.send(row, hand_over, clock=self._clock, jitter=self._jitter)
        finally:
            close_old_connections()
