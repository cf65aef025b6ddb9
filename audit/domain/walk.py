"""Walking a chain from its start to its head, and saying what is wrong on the way."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from audit.domain import chain, form
from audit.domain.chain import Link
from audit.domain.findings import Finding, Result, Wrong
from audit.domain.heads import Head

if TYPE_CHECKING:
    from core.stored import StoredEvent

GRACE = timedelta(minutes=10)  # from what an event says to when it is there: a transaction may take that long
TELLS = "events.forgotten"  # the kind of the event that tells of a forgetting
_MOST_SUSPECTS = 200


class Walk:
    """Give it the seals of one chain in the order of their numbers, each with its event, and then the head.

    One change is told once: after a seal that is wrong it goes on from what that seal says.

    Args:
        name: of the chain.
        result: what is found is added there.
        known: heads that were kept elsewhere, by their number.
        last: the seal to go on from; None for the start of the chain.
    """

    def __init__(self, name: str, result: Result, known: Mapping[int, Head], last: Link | None = None) -> None:
        self.name, self.result, self.known, self.last = name, result, dict(known), last
        self.tellers: list[StoredEvent] = []
        self._sound = True
        self._suspects: list[Link] = []
        self._agreed = last.number if last else 0
        self._parted = False

    def step(self, link: Link, event: StoredEvent | None) -> None:
        """The next seal. `event` is None when it is not there."""
        self.result.seals += 1
        follows = self._follows(link)
        sound = link.digest == chain.digest_of(link)
        if not sound:
            self._suspect(link)
        elif not follows and self._sound:
            self._find(Wrong.REWRITTEN, link.number, link.event, f"{self._before(link)} was rewritten after it", link)
        if event is None:
            self._missing(link)
        else:
            self._there(link, event, sound=sound)
        if link.number in self.known:
            self._meet(link)
        self.last, self._sound = link, sound

    def end(self, head: Head) -> None:
        """The chain has no more seals up to its head."""
        self._tell_suspects()
        number = self.last.number if self.last else 0
        for place in sorted(each for each in self.known if each > number):
            text = (
                f"A head that was kept elsewhere is number {place:,}, and the chain ends at {number:,}: its end is gone"
            )
            self._find(Wrong.TAIL, place, None, text, since=self.known[place].sealed_at)
            return
        if head.number > number:
            text = f"Seals {number + 1:,} to {head.number:,} are gone: the head is number {head.number:,}"
            self._find(Wrong.TAIL, number + 1, None, text, since=self.last.sealed_at if self.last else "")
        elif head.number < number:
            text = f"Seals {head.number + 1:,} to {number:,} lie beyond the head: it was set back, or they are forged"
            self._find(Wrong.TAIL, head.number + 1, None, text, self.last)
        elif self.last and head.digest != self.last.digest.hex():
            self._find(Wrong.TAIL, number, self.last.event, "The head has another digest than the last seal", self.last)

    def _follows(self, link: Link) -> bool:
        last = self.last.number if self.last else 0
        if link.number != last + 1:
            gone = (
                f"Seal {last + 1:,} is" if link.number == last + 2 else f"Seals {last + 1:,} to {link.number - 1:,} are"
            )
            self._find(Wrong.GAP, last + 1, None, f"{gone} gone", self.last)
            return True  # it cannot be said
        return link.previous == (self.last.digest if self.last else chain.start(self.name))

    def _before(self, link: Link) -> str:
        if self.last is None:
            return "What the chain begins with"
        return f"Seal {self.last.number:,} (event {self.last.event:,})"

    def _suspect(self, link: Link) -> None:
        if len(self._suspects) < _MOST_SUSPECTS:
            self._suspects.append(link)
        else:
            self._find(Wrong.REWRITTEN, link.number, link.event, "The seal was rewritten", link)

    def _tell_suspects(self) -> None:
        """A seal whose digest is right for the number of another one has changed places with it."""
        numbers = [link.number for link in self._suspects]
        for link in self._suspects:
            own = next((each for each in numbers if link.digest == chain.digest_of(link._replace(number=each))), None)
            if own is None:
                self._find(Wrong.REWRITTEN, link.number, link.event, "The seal was rewritten", link)
            else:
                text = f"The seal was moved here from number {own:,}"
                self._find(Wrong.REORDERED, link.number, link.event, text, link)

    def _missing(self, link: Link) -> None:
        if link.forgotten_by is None:
            self._find(Wrong.REMOVED, link.number, link.event, "The event is gone, and no retention tells of it", link)
        else:
            self.result.forgotten += 1

    def _there(self, link: Link, event: StoredEvent, *, sound: bool) -> None:
        self.result.events += 1
        if link.form not in form.KNOWN:
            self._find(Wrong.REWRITTEN, link.number, link.event, f"Form {link.form} is not known here", link)
        elif link.content != form.content(event) and sound:
            self._find(Wrong.CHANGED, link.number, link.event, f"{event.kind} {event.subject} was changed", link)
        if link.forgotten_by is not None:
            self._find(Wrong.RETURNED, link.number, link.event, "It was forgotten, and is there again", link)
        if event.at < link.looked_at and _time(event.at) < _time(link.looked_at) - GRACE:
            text = f"{event.kind} {event.subject} says {event.at[:19]} UTC and was not there at {link.looked_at[:19]}"
            self._find(Wrong.INSERTED, link.number, link.event, text, since=link.looked_at)
        if event.kind == TELLS:
            self.tellers.append(event)

    def _meet(self, link: Link) -> None:
        """Here a head was kept elsewhere: up to a number both agree, and then no more."""
        if self.known[link.number].digest == link.digest.hex():
            self._agreed = link.number
        elif not self._parted:
            self._parted = True
            text = (
                f"The head that was kept elsewhere has another digest: seals from {self._agreed + 1:,} on, up to this "
                "one, were rewritten"
            )
            self._find(Wrong.TAIL, link.number, link.event, text, since=self.known[link.number].sealed_at)

    def _find(
        self, wrong: Wrong, number: int | None, event: int | None, text: str, link: Link | None = None, since: str = ""
    ) -> None:
        self.result.add(Finding(wrong, self.name, number, event, text, since or (link.sealed_at if link else "")))


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
