"""Each channel has a lane of its own, so that one that is slow keeps no other waiting."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from datetime import datetime
from threading import Event, Thread

from django.db import DatabaseError, close_old_connections, connection

from communications.domain.delivery import Failure
from communications.domain.outgoing import Outgoing, Receipt
from communications.models import Announcement, Channel
from communications.selectors.outgoing import outgoing
from communications.services import sending
from communications.services.connecting import Connect, Send

log = logging.getLogger(__name__)
WIDTH = 8  # messages of one channel under way at a time: each takes at most 10 s, and the lease is 60 s
LONGEST = 1.0  # seconds until the lane looks up while messages are under way
PAUSE = 0.25  # seconds between two looks while nothing waits
ROUND = 5.0  # seconds between two looks at which lanes there have to be; the sender's heartbeat
Flying = dict[Future[Receipt | Failure], Announcement]


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
        under_way: Flying = {}
        while not self._stopping.is_set():
            try:
                close_old_connections()
                self._fill(under_way)
                self._land(under_way)
            except Exception:
                log.exception("the lane of channel %s stumbled; what it took is sent again", self._channel_id)
                under_way.clear()
                self._stopping.wait(PAUSE)
        with suppress(DatabaseError):
            self._land(under_way)
        connection.close()

    def _fill(self, under_way: Flying) -> None:
        """Take as much as is free, and hand it over: by threads, which use no database of their own."""
        room = WIDTH - len(under_way)
        channel = Channel.objects.filter(pk=self._channel_id, enabled=True).first() if room else None
        if channel is None:
            return
        rows = sending.claim(channel, most=room, now=self._clock())
        if rows:
            hand_over = self._connect(channel)
            under_way.update({self._pool.submit(self._send, hand_over, row, outgoing(row)): row for row in rows})

    def _land(self, under_way: Flying) -> None:
        """Note what has come back, all that has in one transaction. While nothing is under way, wait a moment."""
        if not under_way:
            self._stopping.wait(PAUSE)
            return
        done, _ = wait(under_way, timeout=LONGEST, return_when=FIRST_COMPLETED)
        outcomes = [sending.Outcome(under_way.pop(future), future.result()) for future in done]
        if outcomes:
            sending.note(outcomes, now=self._clock(), jitter=self._jitter)

    def _send(self, hand_over: Send, row: Announcement, message: Outgoing) -> Receipt | Failure:
        try:
            return hand_over(row, message)
        except Exception as error:  # a sender never raises; if it does, that must not be a message's end
            log.exception("channel %s: its sender raised", self._channel_id)
            return Failure(f"The sender itself failed: {type(error).__name__}")
        finally:
            close_old_connections()
