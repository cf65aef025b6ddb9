"""Writes that are sent twice with the same Idempotency-Key and done once.

The answer is stored in the transaction of the write itself: there is no moment at which one is there without the other.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction

from core.errors import Conflict, Invalid
from flags.models import ApiToken, Reply

KEPT = timedelta(hours=24)
LONGEST_KEY = 200
AGAIN = (429,)  # nothing was tried: a repeat may be


@dataclass(frozen=True, slots=True)
class Answer:
    """What a request was answered with. `headers` are those that belong to the body."""

    status: int
    headers: Mapping[str, str]
    body: str
    secret: bool = False

    @property
    def is_kept(self) -> bool:
        """Whether a repeat gets it again. Failures of ours are tried anew; secrets are in no table."""
        return self.status < 500 and self.status not in AGAIN and not self.secret


class StillRunning(Conflict):
    """The first request with this key has not been answered yet. `retry_after` is in seconds."""

    retry_after = 1

    def __init__(self) -> None:
        super().__init__("The first request with this Idempotency-Key is still being answered. Ask again in a second.")


def digest(method: str, address: str, body: bytes) -> str:
    """What tells one request from another."""
    return hashlib.sha256(b"\0".join((method.encode(), address.encode(), body))).hexdigest()


def once(token_digest: str, key: str, request: str, *, now: datetime, act: Callable[[], Answer]) -> tuple[Answer, bool]:
    """The answer of `act`, or the one it gave before; and whether it is a repeat.

    Everything that `act` writes is undone when its answer is a failure of ours (5xx).

    Args:
        token_digest: of the live token that asks; keys of other tokens are other keys.
        request: `digest` of the request.

    Raises:
        Invalid: the key is no key, or was used for another request within 24 hours.
        StillRunning: the first request with the key has not finished. On SQLite it is waited for instead.
    """
    if not 1 <= len(key) <= LONGEST_KEY or not key.isascii() or not key.isprintable():
        raise Invalid(f"An Idempotency-Key has 1 to {LONGEST_KEY} printable ASCII characters.", field="Idempotency-Key")
    with transaction.atomic():
        _be_alone(f"{token_digest} {key}")
        known = Reply.objects.filter(token__digest=token_digest, key=key).first()
        if known is not None and known.at > now - KEPT:
            return _same(known, request), True
        if known is not None:
            known.delete()
        answer = act()
        if answer.status >= 500:
            transaction.set_rollback(True)
        elif answer.is_kept:
            token = ApiToken.objects.only("pk").get(digest=token_digest)
            Reply.objects.create(
                token=token,
                key=key,
                request=request,
                status=answer.status,
                headers=dict(answer.headers),
                body=answer.body,
                at=now,
            )
        return answer, False


def prune(*, now: datetime) -> int:
    """Forget answers that are older than a day; how many."""
    return Reply.objects.filter(at__lte=now - KEPT).delete()[0]


def _same(known: Reply, request: str) -> Answer:
    if known.request != request:
        raise Invalid(
            "This Idempotency-Key was used for another request within 24 hours. "
            "Make a new key for each thing you want done.",
            field="Idempotency-Key",
        )
    return Answer(known.status, known.headers, known.body)


def _be_alone(name: str) -> None:
    """SQLite has one writer at a time anyway: there the second request waits for the first."""
    if connection.vendor != "postgresql":
        return
    number = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], signed=True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [number])
        if cursor.fetchone() != (True,):
            raise StillRunning
