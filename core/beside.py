"""What an app adds to the pages of the apps below it, which must not know it.

The higher app registers when the admin is discovered; the lower one asks while it shows a page.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Protocol

from django.urls import get_resolver
from django.utils.safestring import mark_safe

if TYPE_CHECKING:
    from core.models import Environment, Event


class RaisePart(Protocol):
    """What an app tells before a flag is brought to a percentage that is more than it has, as safe HTML.

    `what` are the words for the change, such as `this change`.
    """

    def __call__(
        self, flag: str, environment: str, percentage: Decimal, *, what: str, approvals: int, now: datetime
    ) -> str: ...


class Person(Protocol):
    """The signed-in user."""

    def has_perm(self, perm: str) -> bool: ...


@dataclass(frozen=True, slots=True)
class Note:
    """About one flag in one environment. `text` is for lists, `sentence` for its page.

    `warning` is told before somebody changes the flag by hand; empty when there is none.
    """

    text: str
    sentence: str
    url: str
    tone: str
    icon: str
    warning: str = ""


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured number of a flag. `value` is None when nothing was measured in the time it is about.

    `source` is what it was measured by; `measured_at` when the newest measurement was, None: never.
    """

    name: str
    value: float | None
    unit: str
    source: str
    measured_at: datetime | None


@dataclass(frozen=True, slots=True)
class Safeguard:
    """Something that keeps a risk small, as it stands in one place. `standing` is a word or two, such as `armed`."""

    key: str
    name: str
    standing: str
    tone: str
    icon: str
    url: str
    where: str = ""


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that is wrong now. `name` is what, `words` what it does, such as `has fired`; `since` when it began."""

    name: str
    words: str
    environment: Environment
    since: datetime
    url: str
    tone: str
    icon: str


Notes = dict[tuple[str, str], list[Note]]  # by flag key and environment key
_flag_notes: list[Callable[[], dict[tuple[str, str], Note]]] = []
_pages: dict[str, Callable[[str, str], str]] = {}
_event_actions: list[Callable[[Event, Person], EventAction | None]] = []
_ways_back: list[Callable[[list[Event], Person], dict[int, EventAction]]] = []
_troubles: list[Callable[[str | None, Person, datetime], list[Trouble]]] = []
_event_parts: list[Callable[[Event, datetime], str]] = []
_event_log_parts: list[Callable[[datetime], str]] = []
_flag_figures: list[Callable[[str, str, datetime], list[Figure]]] = []
_flag_parts: list[Callable[[str, str], str]] = []
_flag_actions: list[Callable[[str, str, Person], FlagAction | None]] = []
_environment_rules: list[Callable[[int], list[str]]] = []
_raise_parts: list[RaisePart] = []
_safeguards: dict[str, Callable[[], list[Safeguard]]] = {}
_subject_parts: list[Callable[[Sequence[str], str, Person], str]] = []
_movers: list[Callable[[Collection[str], str], dict[str, str]]] = []


def add_flag_notes(source: Callable[[], dict[tuple[str, str], Note]]) -> None:
    """`source` tells its notes about all flags at once, in a fixed number of queries."""
    _flag_notes.append(source)


def flag_notes() -> Notes:
    """Every note there is."""
    found: Notes = defaultdict(list)
    for source in _flag_notes:
        for about, note in source().items():
            found[about].append(note)
    return found


def add_environment_rules(source: Callable[[int], list[str]]) -> None:
    """`source(environment id)` tells in sentences what needs approval there."""
    _environment_rules.append(source)


def environment_rules(environment_id: int) -> list[str]:
    """What needs approval in the environment; empty when nothing does."""
    return [sentence for source in _environment_rules for sentence in source(environment_id)]


def add_mover(source: Callable[[Collection[str], str], dict[str, str]]) -> None:
    """`source(flags, environment)` tells by flag what moves it there by itself now, for example `Ramp 7 (held)`."""
    _movers.append(source)


def movers(flags: Collection[str], environment: str) -> dict[str, str]:
    """What moves these flags by itself in the environment now, such as `Ramp 7 (held)`; nothing else may then."""
    return {flag: text for source in _movers for flag, text in source(flags, environment).items()}


@dataclass(frozen=True, slots=True)
class EventAction:
    """Something that can be done about one event. `url` opens in a dialog."""

    url: str
    text: str
    icon: str


def add_event_action(source: Callable[[Event, Person], EventAction | None]) -> None:
    """`source(event, person)` offers one thing to do about an event, when there is one and the person may do it."""
    _event_actions.append(source)


def event_actions(event: Event, person: Person) -> list[EventAction]:
    """What this person can do about the event."""
    return [action for source in _event_actions if (action := source(event, person)) is not None]


def add_way_back(source: Callable[[list[Event], Person], dict[int, EventAction]]) -> None:
    """`source(events, person)` offers by the event's id what undoes it as things stand now, if the person may.

    The events are the newest first. It asks a fixed number of queries, whatever their number.
    """
    _ways_back.append(source)


def ways_back(events: list[Event], person: Person) -> dict[int, list[EventAction]]:
    """What undoes these events as things stand now, by the event's id."""
    found: defaultdict[int, list[EventAction]] = defaultdict(list)
    for source in _ways_back:
        for event, action in source(events, person).items():
            found[event].append(action)
    return dict(found)


def add_trouble(source: Callable[[str | None, Person, datetime], list[Trouble]]) -> None:
    """`source(environment, person, now)` tells what is wrong there now, of what the person may see; None: anywhere."""
    _troubles.append(source)


def troubles(environment: str | None, person: Person, *, now: datetime) -> list[Trouble]:
    """Everything that is wrong now."""
    return [trouble for source in _troubles for trouble in source(environment, person, now)]


def add_event_part(source: Callable[[Event, datetime], str]) -> None:
    """`source(event, now)` is a part of the event's page as safe HTML; empty when it has nothing to tell."""
    _event_parts.append(source)


def event_parts(event: Event, *, now: datetime) -> list[str]:
    """What other apps tell on the page of this event."""
    return [source(event, now) for source in _event_parts]


def add_event_log_part(source: Callable[[datetime], str]) -> None:
    """`source(now)` is a part above the list of events as safe HTML: what is known of the log as a whole."""
    _event_log_parts.append(source)


def event_log_parts(*, now: datetime) -> list[str]:
    """What other apps tell of the event log."""
    return [source(now) for source in _event_log_parts]


def add_flag_figures(source: Callable[[str, str, datetime], list[Figure]]) -> None:
    """`source(flag, environment, now)` tells what was measured of a flag where it runs."""
    _flag_figures.append(source)


def flag_figures(flag: str, environment: str, *, now: datetime) -> list[Figure]:
    """Everything that was measured of the flag."""
    return [figure for source in _flag_figures for figure in source(flag, environment, now)]


def add_flag_part(source: Callable[[str, str], str]) -> None:
    """`source(flag, environment)` is a part of the flag's page as safe HTML: what moves it, moved it, or could."""
    _flag_parts.append(source)


def flag_parts(flag: str, environment: str) -> list[str]:
    """What other apps show on the page of this flag."""
    return [source(flag, environment) for source in _flag_parts]


def add_subject_part(source: Callable[[Sequence[str], str, Person], str]) -> None:
    """`source(subjects, environment, person)` is a part of the page about the first of these subjects, as safe HTML.

    The others are what it is also about: the flags of a phase, for example. It asks a fixed number of queries.
    """
    _subject_parts.append(source)


def subject_parts(subjects: Sequence[str], environment: str, person: Person) -> list[str]:
    """What other apps tell on the page about these subjects of events."""
    return [part for source in _subject_parts if (part := source(subjects, environment, person))]


@dataclass(frozen=True, slots=True)
class FlagAction:
    """Something to begin for one flag in one environment. `url` is a page of its own."""

    url: str
    text: str
    icon: str


def add_flag_action(source: Callable[[str, str, Person], FlagAction | None]) -> None:
    """`source(flag, environment, person)` offers one thing to begin for a flag that is on, if the person may."""
    _flag_actions.append(source)


def flag_actions(flag: str, environment: str, person: Person) -> list[FlagAction]:
    """What this person can begin for the flag, which is on there."""
    return [action for source in _flag_actions if (action := source(flag, environment, person)) is not None]


def add_raise_part(source: RaisePart) -> None:
    """`source(flag, environment, percentage)` tells something before the raise is confirmed; "" when it has nothing."""
    _raise_parts.append(source)


def raise_parts(
    flag: str, environment: str, percentage: Decimal, *, what: str = "this change", approvals: int = 0, now: datetime
) -> str:
    """What other apps tell about bringing the flag there: safe HTML. `approvals`: people who have approved it."""
    told = [source(flag, environment, percentage, what=what, approvals=approvals, now=now) for source in _raise_parts]
    return mark_safe("".join(told))  # noqa: S308 -- rendered by templates


def add_safeguards(kind: str, source: Callable[[], list[Safeguard]]) -> None:
    """`source()` tells all safeguards of a kind (`ramp`) of an app above the risk, in a fixed number of queries."""
    _safeguards[kind] = source


def safeguards() -> dict[str, list[Safeguard]]:
    """Every safeguard there is, by kind."""
    return {kind: source() for kind, source in _safeguards.items()}


def add_page(noun: str, page: Callable[[str, str], str]) -> None:
    """`page(key, environment)` is the address for the subject `<noun>:<key>` of events; "" when it has none."""
    _pages[noun] = page


def page_of(subject: str, environment: str = "") -> str:
    """The address of the page about an event's subject, or ""."""
    get_resolver().url_patterns  # noqa: B018 - pages add themselves as the screens are loaded, which these do
    noun, _, key = subject.partition(":")
    page = _pages.get(noun)
    return page(key, environment) if page else ""
