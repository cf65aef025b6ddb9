"""Several senders at once, and senders that die."""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import requests

from communications.domain.delivery import LEASE
from communications.domain.outgoing import Outgoing, Receipt
from communications.models import Alert, Announcement, Channel
from communications.services import announcing, drafts, releasing
from communications.services.drafts import Edited
from communications.services.lanes import Lane
from core.actors import Actor
from core.errors import IllegalMove
from tests.communications.conftest import Receiver, send_all
from tests.racing import at_once
from tests.rollouts.test_sigkill import killed_at

pytestmark = pytest.mark.django_db(transaction=True)
Happens = Callable[..., None]
MANY = 1000  # writes: more than there are, so that nothing but the sender itself ends it


@pytest.mark.races
@pytest.mark.usefixtures("rolled_back")
def test_four_announcers_and_four_senders_are_one_alert_and_one_send(slack: Channel, now: datetime) -> None:
    made = at_once(*[lambda: announcing.announce(now=now)] * 4)
    assert sum(made) == 1
    assert Alert.objects.count() == Announcement.objects.count() == 1

    receiver = Receiver()
    sent = at_once(*[lambda: send_all(slack, receiver, now)] * 4)
    assert sum(sent) == len(receiver.got) == 1


@pytest.mark.races
def test_several_announcements_are_shared_out_and_none_is_sent_twice(
    slack: Channel, happens: Happens, now: datetime
) -> None:
    for number in range(5):
        happens("risk.level_raised", f"environment:{number}", severity="high")
    receiver = Receiver()
    at_once(*[lambda: send_all(slack, receiver, now)] * 4)
    keys = [message.key for message in receiver.got]
    assert len(keys) == len(set(keys)) == 5
    assert Announcement.objects.filter(sent_at=now, tries=1).count() == 5


@pytest.mark.races
def test_two_who_release_what_was_held_make_one_message_of_it(slack: Channel, happens: Happens, now: datetime) -> None:
    for number in range(20):
        happens("alert.firing", f"alert:{number}", rule=str(number), severity="high")
    later = now + timedelta(minutes=1)
    assert sum(at_once(*[lambda: releasing.release(now=later)] * 2)) == 1
    assert Announcement.objects.filter(state="merged").count() == 15


@pytest.mark.races
def test_of_two_who_decide_on_a_draft_one_is_refused(
    slack: Channel, happens: Happens, operator_actor: Actor, now: datetime
) -> None:
    happens("risk.level_raised", "environment:1", severity="high")
    Announcement.objects.update(state="draft")
    pk = Announcement.objects.get().pk
    answers = at_once(
        lambda: drafts.approve(pk, Edited(), actor=operator_actor, now=now),
        lambda: drafts.discard(pk, actor=operator_actor, reason="no", now=now),
    )
    assert sum(isinstance(answer, IllegalMove) for answer in answers) == 1


def test_a_lane_sends_what_comes_until_it_is_stopped_and_a_stuck_receiver_does_not_keep_it_alive(
    slack: Channel, happens: Happens, now: datetime
) -> None:
    got, stuck, go = threading.Event(), threading.Event(), threading.Event()

    def connect(_channel: Channel) -> Callable[[Announcement, Outgoing], Receipt]:
        def hand_over(_row: Announcement, message: Outgoing) -> Receipt:
            if "stuck" in message.subject:
                stuck.set()
                go.wait(20)
            else:
                got.set()
            return Receipt()

        return hand_over

    lane = Lane(slack, connect, clock=lambda: now, jitter=lambda: 0.0)
    happens("risk.level_raised", "environment:1", severity="high")
    assert got.wait(10)
    happens("risk.level_raised", "environment:stuck", severity="high")
    assert stuck.wait(10)
    lane.stop(seconds=0.1)
    go.set()
    lane.stop(seconds=10)


@pytest.fixture
def counter() -> Iterator[tuple[str, list[str]]]:
    """An address that takes every POST, and the keys of what it took."""
    keys: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            keys.append(json.loads(self.rfile.read(int(self.headers["Content-Length"])))["key"])
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/", keys
    server.shutdown()
    server.server_close()


@pytest.mark.races
def test_a_sender_killed_between_send_and_note_costs_one_repeat_with_the_same_key(
    counter: tuple[str, list[str]], slack: Channel, happens: Happens, now: datetime
) -> None:
    url, keys = counter
    happens("risk.level_raised", "environment:production", severity="high")

    def post(_row: Announcement, message: Outgoing) -> Receipt:
        requests.post(url, json={"key": message.key}, timeout=5)
        return Receipt()

    def die(row: Announcement, message: Outgoing) -> Receipt:
        post(row, message)
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError("not killed")

    assert killed_at(MANY, lambda: send_all(slack, die, now))
    assert send_all(slack, post, now + LEASE - timedelta(seconds=1)) == 0
    assert send_all(slack, post, now + LEASE) == 1
    assert send_all(slack, post, now + 2 * LEASE) == 0
    row = Announcement.objects.get()
    assert (row.state, row.tries, row.fence, row.error) == ("sent", 2, 2, "")
    assert list(row.deliveries.values_list("taken", flat=True)) == [False, True]
    assert len(keys) == 2
    assert len(set(keys)) == 1
