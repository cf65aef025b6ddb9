"""Letters are written and put into the queue, or held until it is time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from communications import selectors
from communications.adapters import sandbox
from communications.domain import acts, languages, wording
from communications.domain.alerts import TOPICS, AlertType, Severity, Topic, level
from communications.domain.audiences import Content, Frequency
from communications.domain.channels import LIMITS, ChannelKind
from communications.domain.message import one_line
from communications.domain.public import leaks
from communications.domain.states import AnnouncementState
from communications.domain.timing import wait
from communications.domain.wording import Words
from communications.models import Alert, Announcement
from communications.selectors import inside
from communications.selectors.plan import Planned
from communications.selectors.queue import Lately, lately
from communications.services.addressing import Letter

SINGLE = (Topic.INCIDENT, Topic.PAGE, Topic.STATUS)  # each is told on its own


@dataclass(frozen=True, slots=True)
class Written:
    """What a recipient reads. `flaw`: what was wrong with the wording, so that the default was taken."""

    subject: str
    text: str
    html: str
    flaw: str = ""


def write(written: Sequence[tuple[Alert, Sequence[Letter]]], *, now: datetime) -> int:
    """Put the letters of some alerts into the queue; how many. Called in the transaction that makes the alerts."""
    groups = {alert.pk: _group(alert) for alert, _ in written}
    audiences = {letter.audience for _, letters in written for letter in letters}
    if not audiences:
        return 0
    known = lately(audiences, set(groups.values()), now=now)
    rows, outside = [], []
    for alert, letters in written:
        for letter in letters:
            before = known[letter.audience, letter.channel.pk, letter.recipient]
            row = _row(alert, letter, groups[alert.pk], before, now=now)
            before.follow(row.group, held=row.state == AnnouncementState.HELD, at=row.due_at)
            rows.append(row)
            if letter.planned and letter.planned.public:
                outside.append(row)
    Announcement.objects.bulk_create(rows)
    for row in outside:
        _supersede(row)
    return len(rows)


def _supersede(row: Announcement) -> None:
    """A draft that waits while its incident has gone on would tell people what is not so any more."""
    if row.thread:
        same = {name: getattr(row, name) for name in ("audience", "channel_id", "recipient", "thread")}
        older = Announcement.objects.filter(**same, state=AnnouncementState.DRAFT.value, pk__lt=row.pk)
        older.update(state=AnnouncementState.DISCARDED.value, why="there is newer news")


def _group(alert: Alert) -> str:
    return acts.group(AlertType(alert.type), alert.event.subject, alert.environment_id)


def read(alert: Alert, planned: Planned | None, kind: ChannelKind, words: Words) -> Written:
    """The alert in the words of an audience, as long as the channel takes. A wording that fails is replaced."""
    values, link = _values(alert, planned), selectors.message(alert).link
    default = planned.default if planned else languages.default(Content.OPERATIONS)
    flaw = ""
    try:
        filled = _fill(words, values)
    except sandbox.Unusable as error:
        filled, flaw = _fill(default, values), str(error)
    limits = LIMITS[kind]
    return Written(
        one_line(filled.subject, limits.subject),
        wording.clip(filled.text.strip(), limits.text, link=link),
        filled.html if limits.html else "",
        flaw,
    )


def words_of(letter: Letter, type_: AlertType) -> Words:
    """The wording that a letter is written in; whoever is called by name reads what operations do."""
    return letter.planned.words(type_, letter.channel) if letter.planned else languages.default(Content.OPERATIONS)


def _fill(words: Words, values: Mapping[str, Any]) -> Words:
    html = sandbox.render(words.html, values, html=True) if words.html else ""
    return Words(sandbox.render(words.subject, values), sandbox.render(words.text, values), html)


def _row(alert: Alert, letter: Letter, group: str, before: Lately, *, now: datetime) -> Announcement:
    kind, type_ = ChannelKind(letter.channel.kind), AlertType(alert.type)
    written = read(alert, letter.planned, kind, words_of(letter, type_))
    act = acts.act(type_)
    state, due_at, why = _when(alert, letter, written, before, group, now=now)
    return Announcement(
        alert=alert,
        audience=letter.audience,
        channel=letter.channel,
        recipient=letter.recipient,
        occasion=f"alert:{alert.pk}",
        group=group,
        thread=acts.thread(type_, alert.event.subject, alert.event.data, alert.environment_id),
        act=act.value,
        state=state.value,
        subject=written.subject,
        text=written.text,
        html=written.html,
        flaw=written.flaw,
        why=why,
        made_at=now,
        due_at=due_at,
        error=letter.problem,
        failed_at=now if letter.problem else None,
    )


def _when(
    alert: Alert, letter: Letter, written: Written, before: Lately, group: str, *, now: datetime
) -> tuple[AnnouncementState, datetime, str]:
    """The state that it begins in, when it is due, and why it waits."""
    if letter.problem:
        return AnnouncementState.FAILED, now, ""
    planned, topic = letter.planned, TOPICS[AlertType(alert.type)]
    if planned is None:
        return AnnouncementState.QUEUED, now, ""
    if planned.habits.frequency is Frequency.AS_NEEDED and not _written_for(alert, planned) and topic is Topic.INCIDENT:
        return AnnouncementState.DRAFT, now, "a person has to approve it"
    leaked = _leaked(written) if planned.public else []
    if leaked:
        return AnnouncementState.DRAFT, now, one_line(f"it names what must not go outside: {', '.join(leaked)}", 300)
    held = wait(
        planned.habits,
        urgent=topic is Topic.PAGE or alert.severity == Severity.CRITICAL or level(alert.event.data) == 3,
        single=topic in SINGLE,
        same=before.groups.get(group, []),
        lately=before.count,
        held=before.held,
        now=now,
    )
    if held is None:
        return AnnouncementState.QUEUED, now, ""
    return AnnouncementState.HELD, held.until, held.why


def _leaked(written: Written) -> list[str]:
    """What must not go outside; the address of the status page may."""
    said = f"{written.subject}\n{written.text}".replace(selectors.address("/status/") or "\0", "")
    return leaks(said, names=inside.names())


def _written_for(alert: Alert, planned: Planned) -> str:
    """What a person wrote for this audience alone, in an update of an incident."""
    texts = alert.event.data.get("texts")
    return str(texts.get(planned.key, "")) if isinstance(texts, dict) else ""


def _values(alert: Alert, planned: Planned | None) -> dict[str, Any]:
    """What the wording is filled with. People outside get nothing but what was written for them, and plain words."""
    data, type_ = alert.event.data, AlertType(alert.type)
    written = _written_for(alert, planned) if planned else ""
    language = planned.audience.language if planned else languages.FIRST
    values: dict[str, Any] = {
        "plain": languages.plain(type_, data, language),
        "text": written,
        "state": languages.state(str(data.get("state", "")), language),
        "components": [str(name) for name in data.get("components") or []],
        "time": f"{alert.at:%Y-%m-%d %H:%M} UTC",
        "title": "",
        "link": selectors.address("/status/"),
    }
    if TOPICS[type_] is Topic.STATUS:  # was published already
        values |= {"text": str(data.get("text", "")), "title": str(data.get("title", ""))}
    if planned is not None and planned.public:
        return values
    message, own = selectors.message(alert), _own(data, planned)
    return values | {
        "text": written or own["text"] or str(data.get("text", "")),
        "rows": own["rows"],
        "title": message.feature,
        "subject": message.subject,
        "headline": message.headline,
        "about": message.feature,
        "environment": message.environment,
        "reason": one_line(message.reason, 1500),
        "by": message.actor,
        "severity": message.severity.value,
        "level": level(data),
        "rollback_id": message.rollback_id,
        "facts": [{"name": name, "value": value} for name, value in message.lines],
        "actions": [str(action) for action in data.get("actions") or []],
        "link": message.link,
    }


def _own(data: Mapping[str, Any], planned: Planned | None) -> dict[str, Any]:
    """What the event says to readers of this kind: text and rows of a table. Others get the details."""
    words = data.get("words")
    words = words if isinstance(words, dict) else {}
    kind = planned.audience.content if planned else Content.TECHNICAL.value
    return {"text": "", "rows": [], **(words.get(kind) or words.get(Content.TECHNICAL.value) or {})}
