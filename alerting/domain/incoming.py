"""What an Alertmanager (webhook version 4) or a Prometheus (`POST /api/v2/alerts`) sends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from core.errors import Invalid
from core.moments import in_utc
from core.texts import check_storable

MOST = 1_000  # alerts in one body
LONGEST = 2_000
RENEWED = timedelta(minutes=5)  # an alert posted without an end is over then: Alertmanager's own resolve_timeout
NEVER = 1  # the year of Go's zero time: no end is known


@dataclass(frozen=True, slots=True)
class Incoming:
    """One alert from outside.

    `starts_at` is None where the sender does not know it: then it is the start of the one that fires already.
    `ends_at`: resolved then, where that is known; `firing` is what the sender says.
    """

    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    starts_at: datetime | None
    ends_at: datetime | None
    firing: bool
    generator_url: str


def webhook(body: object) -> list[Incoming]:
    """The alerts of a webhook. Keys it does not know are left alone; Invalid names what cannot be read."""
    if not isinstance(body, Mapping):
        raise Invalid("A webhook is an object with alerts.", field="body")
    if body.get("version") != "4":
        raise Invalid(f'Version "4" of the webhook, not {body.get("version")!r:.20}.', field="version")
    found = []
    for index, one in enumerate(_list(body.get("alerts"), "alerts")):
        where = f"alerts.{index}"
        status = one.get("status") if isinstance(one, Mapping) else None
        if status not in ("firing", "resolved"):
            raise Invalid(f"firing or resolved, not {status!r:.20}.", field=f"{where}.status")
        read = _read(one, where, firing=status == "firing")
        if read.starts_at is None:
            raise Invalid("When the alert began: 2026-03-09T09:00:00Z.", field=f"{where}.startsAt")
        found.append(read)
    return found


def posted(body: object, *, now: datetime) -> list[Incoming]:
    """The alerts that a Prometheus posts: those whose end is over are resolved. Start and end may be left out."""
    found = []
    for index, one in enumerate(_list(body, "body")):
        read = _read(one, str(index), firing=True)
        ends_at = read.ends_at or now + RENEWED
        found.append(replace(read, ends_at=ends_at, firing=ends_at > now))
    return found


def _list(given: object, field: str) -> Sequence[Any]:
    if not isinstance(given, list) or len(given) > MOST:
        raise Invalid(f"A list of at most {MOST:,} alerts.", field=field)
    return given


def _read(one: object, where: str, *, firing: bool) -> Incoming:
    if not isinstance(one, Mapping):
        raise Invalid("An alert is an object.", field=where)
    labels = _texts(one.get("labels"), f"{where}.labels")
    if not labels.get("alertname"):
        raise Invalid("An alert has the label alertname.", field=f"{where}.labels.alertname")
    url = one.get("generatorURL")
    return Incoming(
        labels=labels,
        annotations=_texts(one.get("annotations"), f"{where}.annotations"),
        starts_at=_time(one.get("startsAt"), f"{where}.startsAt"),
        ends_at=_time(one.get("endsAt"), f"{where}.endsAt"),
        firing=firing,
        generator_url=url[:LONGEST] if isinstance(url, str) and url.startswith(("http://", "https://")) else "",
    )


def _texts(given: object, field: str) -> dict[str, str]:
    if given is None:
        return {}
    if not isinstance(given, Mapping) or len(given) > 100:
        raise Invalid("At most 100 names with texts.", field=field)
    for name, value in given.items():
        if not isinstance(value, str) or len(value) > LONGEST or len(name) > 200:
            raise Invalid(f"{name!r:.60}: a text of at most {LONGEST:,} characters.", field=field)
        check_storable(name + value, field=field)
    return dict(given)


def _time(given: object, field: str) -> datetime | None:
    """None where no time is told, also by Go's zero time."""
    if given is None or given == "":
        return None
    try:
        moment = datetime.fromisoformat(str(given))
    except ValueError:
        raise Invalid(f"A time like 2026-03-09T09:00:00Z, not {given!r:.40}.", field=field) from None
    if moment.tzinfo is None:
        raise Invalid("A time with its offset: 2026-03-09T09:00:00Z.", field=field)
    if moment.year == NEVER:
        return None
    try:
        return in_utc(moment)
    except ValueError as error:
        raise Invalid(str(error), field=field) from None
