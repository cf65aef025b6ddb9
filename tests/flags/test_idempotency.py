"""Idempotency-Key: a write that is sent again is done once."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client

from core import events
from core.actors import Actor, ActorKind
from core.errors import DomainError, Invalid
from core.tokens import digest
from flags import selectors
from flags.models import ApiToken, Reply
from flags.services import replies, rollout, tokens
from flags.services.replies import Answer, StillRunning
from flags.tasks import forget_replies
from tests.racing import at_once

pytestmark = pytest.mark.django_db
KEY = "atomicMeltOperations"
ROOT = f"/api/v1/flags/{KEY}"
NOW = datetime(2025, 8, 11, 9, 0, tzinfo=UTC)


@pytest.fixture
def api(token: str) -> Client:
    client = Client(HTTP_AUTHORIZATION=f"Bearer {token}")
    client.raise_request_exception = False
    return client


def send(api: Client, path: str, body: Any, key: str = "k1") -> Any:
    return api.post(
        f"{ROOT}/{path}", json.dumps(body), content_type="application/json", headers={"Idempotency-Key": key}
    )


def changes() -> int:
    return events.recent().filter(kind="flag.rollout_changed").count()


def test_a_repeat_gets_the_same_answer_and_nothing_is_done_twice(api: Client) -> None:
    first = send(api, "rollout", {"percentage": 5, "reason": "r"})
    rollout.set_rollout(KEY, "production", 3, actor=Actor("olga", ActorKind.PERSON), reason="r", now=NOW)
    again = send(api, "rollout", {"percentage": 5, "reason": "r"})

    assert (first.status_code, "Idempotency-Replayed" in first) == (200, False)
    assert (again.status_code, again.content, again["Content-Type"]) == (200, first.content, first["Content-Type"])
    assert again["Idempotency-Replayed"] == "true"
    assert changes() == 2
    assert selectors.state(KEY, "production").percentage == 3


def test_a_refusal_is_repeated_too(api: Client) -> None:
    first = send(api, "rollout", {"percentage": 12.5, "reason": "r"})
    again = send(api, "rollout", {"percentage": 12.5, "reason": "r"})
    assert (first.status_code, again.status_code, again.content) == (422, 422, first.content)
    assert again["Content-Type"] == "application/problem+json"


def test_the_same_key_with_another_request_is_refused(api: Client) -> None:
    send(api, "rollout", {"percentage": 5, "reason": "r"})
    for path, body in (("rollout", {"percentage": 6, "reason": "r"}), ("disable", {"percentage": 5, "reason": "r"})):
        refused = send(api, path, body)
        assert refused.status_code == 422
        assert "was used for another request" in refused.json()["detail"]
    assert changes() == 1


def test_keys_belong_to_a_token_and_another_key_is_another_write(api: Client, operator_actor: Actor) -> None:
    other = Client(HTTP_X_API_KEY=tokens.create("other", "production", ["operate"], actor=operator_actor, now=NOW)[1])
    for client, key in ((api, "k1"), (other, "k1"), (api, "k2")):
        assert "Idempotency-Replayed" not in send(client, "rollout", {"percentage": 5, "reason": "r"}, key)
    assert Reply.objects.count() == 3


@pytest.mark.parametrize("key", ["", "x" * 201, "schlüssel"])
def test_a_key_that_is_none_is_refused(api: Client, key: str) -> None:
    refused = send(api, "rollout", {"percentage": 5, "reason": "r"}, key)
    assert (refused.status_code, refused.json()["field"]) == (422, "Idempotency-Key")
    assert changes() == 0


def test_without_a_live_token_nothing_is_stored(flag: object) -> None:
    for client in (Client(), Client(HTTP_AUTHORIZATION="Bearer nct_wrong")):
        assert send(client, "rollout", {"percentage": 5}).status_code == 401
    assert not Reply.objects.exists()


def test_a_revoked_token_gets_no_answer_again(api: Client, operator_actor: Actor) -> None:
    send(api, "rollout", {"percentage": 5, "reason": "r"})
    tokens.revoke(ApiToken.objects.get().pk, actor=operator_actor, now=NOW)
    assert send(api, "rollout", {"percentage": 5, "reason": "r"}).status_code == 401


def test_repeats_count_for_the_limit_of_the_token(api: Client, settings: Any) -> None:
    settings.API_LIMIT_PER_MINUTE = 3
    with time_machine.travel(NOW, tick=False):
        codes = [send(api, "rollout", {"percentage": 5, "reason": "r"}).status_code for _ in range(5)]
    assert codes[:3] == [200, 200, 200]
    assert 429 in codes[3:]


def test_what_must_not_be_kept_is_not(api: Client, token: str, settings: Any, operator_actor: Actor) -> None:
    settings.STREAM_URL = "http://stream.test/stream"
    text = tokens.create("client", "production", ["evaluate"], actor=operator_actor, now=NOW)[1]
    client = Client(HTTP_AUTHORIZATION=f"Bearer {text}")
    ticket = client.post("/api/v1/stream-tickets", headers={"Idempotency-Key": "t"})
    assert ticket.status_code == 200
    assert not Reply.objects.exists()


def test_a_failure_of_ours_undoes_the_write_and_is_tried_anew(token: str) -> None:
    outcomes = [500, 200]

    def act() -> Answer:
        rollout.set_rollout(KEY, "production", 7, actor=Actor("olga", ActorKind.PERSON), reason="r", now=NOW)
        return Answer(outcomes.pop(0), {}, "{}")

    assert replies.once(digest(token), "k", "d", now=NOW, act=act)[0].status == 500
    assert (changes(), Reply.objects.count()) == (0, 0)
    assert replies.once(digest(token), "k", "d", now=NOW, act=act) == (Answer(200, {}, "{}"), False)
    assert replies.once(digest(token), "k", "d", now=NOW, act=act) == (Answer(200, {}, "{}"), True)
    assert changes() == 1


def test_a_key_is_free_again_after_a_day_and_the_clock_forgets_it(token: str) -> None:
    done: list[int] = []

    def act() -> Answer:
        done.append(1)
        return Answer(200, {}, "")

    for hours in (0, 23, 24, 25):
        replies.once(digest(token), "k", "d", now=NOW + timedelta(hours=hours), act=act)
    assert len(done) == 2
    with time_machine.travel(NOW + timedelta(hours=49), tick=False):
        assert forget_replies() == 1
    assert not Reply.objects.exists()


@pytest.mark.races
@pytest.mark.django_db(transaction=True)
def test_of_eight_first_uses_at_once_one_is_done(token: str) -> None:
    def call() -> Any:
        return replies.once(digest(token), "k", "d", now=NOW, act=raise_by_one)

    def raise_by_one() -> Answer:
        state = selectors.state(KEY, "production")
        rollout.set_rollout(
            KEY, "production", state.percentage + 1, actor=Actor("a", ActorKind.PERSON), reason="r", now=NOW
        )
        return Answer(200, {}, "done")

    results = at_once(*[call] * 8)
    assert sum(result == (Answer(200, {}, "done"), False) for result in results) == 1
    others = [result for result in results if isinstance(result, DomainError) or result[1]]
    assert len(others) == 7
    assert all(isinstance(each, StillRunning) or each == (Answer(200, {}, "done"), True) for each in others)
    assert selectors.state(KEY, "production").percentage == 1


@pytest.mark.races
@pytest.mark.django_db(transaction=True)
def test_while_the_first_is_running_the_second_is_told_to_ask_again(token: str) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite lets the second wait for the first")
    inside, go_on = threading.Event(), threading.Event()

    def slow() -> Answer:
        inside.set()
        assert go_on.wait(10)
        return Answer(200, {}, "done")

    def first() -> Any:
        try:
            return replies.once(digest(token), "k", "d", now=NOW, act=slow)
        finally:
            connection.close()

    thread = threading.Thread(target=first)
    thread.start()
    assert inside.wait(10)
    with pytest.raises(StillRunning):
        replies.once(digest(token), "k", "d", now=NOW, act=slow)
    go_on.set()
    thread.join(10)
    assert replies.once(digest(token), "k", "d", now=NOW, act=slow) == (Answer(200, {}, "done"), True)


def test_a_wrong_key_is_told_before_anything_is_done(token: str) -> None:
    def never() -> Answer:
        raise AssertionError

    act: Callable[[], Answer] = never
    with pytest.raises(Invalid):
        replies.once(digest(token), "a\nb", "d", now=NOW, act=act)
