"""What an app adds to the pages of the apps below it, which must not know it.

The higher app registers when the admin is discovered; the lower one asks while it shows a page.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection
from dataclasses import dataclass


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


Notes = dict[tuple[str, str], list[Note]]  # by flag key and environment key
_flag_notes: list[Callable[[], dict[tuple[str, str], Note]]] = []
_pages: dict[str, Callable[[str, str], str]] = {}
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


def add_mover(source: Callable[[Collection[str], str], dict[str, str]]) -> None:
    """`source(flags, environment)` tells by flag what moves it there by itself now, for example `Ramp 7 (held)`."""
    _movers.append(source)


def movers(flags: Collection[str], environment: str) -> dict[str, str]:
    """What moves these flags by itself in the environment now, such as `Ramp 7 (held)`; nothing else may then."""
    return {flag: text for source in _movers for flag, text in source(flags, environment).items()}


def add_page(noun: str, page: Callable[[str, str], str]) -> None:
    """`page(key, environment)` is the address for the subject `<noun>:<key>` of events; "" when it has none."""
    _pages[noun] = page


def page_of(subject: str, environment: str = "") -> str:
    """The address of the page about an event's subject, or ""."""
    noun, _, key = subject.partition(":")
    page = _pages.get(noun)
    return page(key, environment) if page else ""
