"""What an HTTP answer means for a message."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from email.utils import parsedate_to_datetime

from communications.domain.delivery import Failure, without_secrets

TEMPORARY = (408, 425, 429)


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: str
    headers: Mapping[str, str]


def failure(answer: Answer, *, secrets: Sequence[str] = ()) -> Failure | None:
    """None for 2xx. A redirect and a 4xx are for good, but for those that say `later`."""
    if 200 <= answer.status < 300:
        return None
    told = f"HTTP {answer.status}: {answer.body.strip()}"
    if 300 <= answer.status < 400:
        told = f"HTTP {answer.status}: redirects are not followed. Set the address that it leads to."
    permanent = 300 <= answer.status < 500 and answer.status not in TEMPORARY
    return Failure(without_secrets(told, secrets), permanent=permanent, retry_after=retry_after(answer.headers))


def retry_after(headers: Mapping[str, str]) -> timedelta | None:
    """The wish of a Retry-After header: seconds, or a date measured against the receiver's own clock."""
    found = {name.lower(): value for name, value in headers.items()}
    text = found.get("retry-after", "").strip()
    if text.isdecimal():
        return timedelta(seconds=int(text[:6]))
    try:
        wait = parsedate_to_datetime(text) - parsedate_to_datetime(found.get("date", ""))
    except (ValueError, TypeError, OverflowError):
        return None
    return max(wait, timedelta(0))


def parts(secret: str) -> tuple[str, ...]:
    """A secret URL or word, and the parts of it that an error text could quote."""
    return (secret, *(part for part in secret.replace("?", "/").replace(":", "/").split("/") if len(part) >= 8))
