"""Verifying: every chain is walked from its start to its head beside the events as they are now. Changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import orjson
from django.db.models import Exists, F, OuterRef, QuerySet

from audit.adapters import keys
from audit.domain import heads
from audit.domain.chain import Link
from audit.domain.findings import Finding, Result, Wrong
from audit.domain.heads import Head
from audit.domain.walk import GRACE, TELLS, Walk
from audit.models import Chain, Seal, Sealer
from audit.selectors import links
from core import environments, events, stored
from core.stored import utc

if TYPE_CHECKING:
    from core.stored import StoredEvent

Tell = Callable[[Result], None]
SENT = "audit.heads"  # the kind of the event by which heads are sent out; they are compared as well


def verify(
    *,
    environment: str | None = None,
    since: datetime | None = None,
    kept: Sequence[Head] = (),
    progress: Tell = lambda result: None,
) -> Result:
    """Everything that is wrong with the event log.

    Args:
        environment: its key, "" for the events of none; None: all chains.
        since: begin with the seals made then; what was before is taken as it stands.
        kept: heads that were kept elsewhere.
        progress: is told after each page of seals.

    Raises NotFound for an environment that is none.
    """
    if environment:
        environments.get(environment)
    result, trusted = Result(), keys.trusted()
    sealer = Sealer.objects.filter(pk=1).first()
    for head in kept:
        _signature(head, trusted, result, "The head that was kept elsewhere")
    known = _known(kept)
    chains = Chain.objects.order_by("name")
    rows = list(chains if environment is None else chains.filter(name=environment))
    for row in rows:
        _walk(row, known.get(row.name, {}), trusted, since, result, progress)
    for name in sorted(set(known) - {row.name for row in rows}):
        if environment in (None, name):
            result.add(Finding(Wrong.TAIL, name, 1, None, "A head of this chain was kept elsewhere; the chain is gone"))
    _unsealed(environment, sealer, result)
    return result


def head(row: Chain) -> Head:
    """The head of a chain as it stands in its row."""
    sealed_at = utc(row.sealed_at) if row.sealed_at else ""
    return Head(row.name, row.number, bytes(row.digest).hex(), sealed_at, row.signature, row.key)


def _walk(
    row: Chain, known: Mapping[int, Head], trusted: Sequence[str], since: datetime | None, result: Result, tell: Tell
) -> None:
    top = head(row)
    last = links.before(row.pk, since) if since else None
    kept = {number: each for number, each in known.items() if last is None or number > last.number}
    walk = Walk(row.name, result, kept, last)
    for page in links.pages(row.pk, after=last.number if last else 0, up_to=_end(row)):
        found = stored.by_id([link.event for link in page])
        marks = _marks(page, found)
        for link in page:
            walk.step(marks.get(link.number, link), found.get(link.event))
        _told(row, walk)
        tell(result)
    walk.end(top)
    if row.number:
        _signature(top, trusted, result, "The head")
    _dangling(row, result)
    result.heads.append(top.to_dict())


def _end(row: Chain) -> int:
    """Up to which number this chain is walked: what is sealed meanwhile is not, what lies beyond the head is."""
    beyond = Seal.objects.filter(chain=row, number__gt=F("chain__number")).order_by("-number")
    return beyond.values_list("number", flat=True).first() or row.number


def _marks(page: Sequence[Link], found: Mapping[int, StoredEvent]) -> dict[int, Link]:
    """Seals whose event went while the page was read, as they are now: retention may have come between."""
    gone = [link for link in page if link.event not in found and link.forgotten_by is None]
    marked = Seal.objects.filter(event_id__in=[link.event for link in gone], forgotten_by__isnull=False)
    by = dict(marked.values_list("event_id", "forgotten_by"))
    return {link.number: link._replace(forgotten_by=by[link.event]) for link in gone if link.event in by}


def _told(row: Chain, walk: Walk) -> None:
    """Each event that tells of a forgetting names exactly the seals that are marked with it."""
    tellers = {event.id: event for event in walk.tellers}
    walk.tellers.clear()
    marked = Seal.objects.filter(forgotten_by__in=list(tellers)).order_by("number")
    ranges = {pk: orjson.loads(event.data).get("numbers", []) for pk, event in tellers.items()}
    for seal in marked.select_related("chain") if tellers else ():
        covered = seal.chain_id == row.pk and any(a <= seal.number <= b for a, b in ranges[seal.forgotten_by or 0])
        if not covered:
            _gone(seal, walk.result)


def _dangling(row: Chain, result: Result) -> None:
    """Seals that say an event tells of their forgetting, which is not there."""
    tells = events.recent().filter(kind=TELLS, pk=OuterRef("forgotten_by"))
    for seal in Seal.objects.filter(chain=row, forgotten_by__isnull=False).exclude(Exists(tells)).iterator():
        _gone(seal, result)


def _gone(seal: Seal, result: Result) -> None:
    text = f"The event is gone; its seal says that event {seal.forgotten_by:,} tells of it, which does not"
    result.add(Finding(Wrong.REMOVED, seal.chain.name, seal.number, seal.event_id, text, utc(seal.sealed_at)))


def _signature(top: Head, trusted: Sequence[str], result: Result, what: str) -> None:
    flaw = heads.flaw(top, trusted)
    if flaw:
        result.add(Finding(Wrong.SIGNATURE, top.chain, top.number, None, f"{what} {flaw}", top.sealed_at))


def _known(kept: Sequence[Head]) -> dict[str, dict[int, Head]]:
    """By chain and number: heads that were kept elsewhere, and those that our own log says were sent out."""
    found: dict[str, dict[int, Head]] = {}
    sent = events.recent().filter(kind=SENT).values_list("data", flat=True)
    for each in [*_read(sent), *kept]:
        found.setdefault(each.chain, {})[each.number] = each
    return found


def _read(sent: QuerySet[Any, Any]) -> list[Head]:
    """The heads of these events; one that was spoilt is found as a changed event."""
    found = []
    for data in sent.iterator():
        try:
            found += [heads.of_dict(each) for each in data["heads"]]
        except (KeyError, TypeError, ValueError):
            continue
    return [each for each in found if each.number]


def _unsealed(environment: str | None, sealer: Sealer | None, result: Result) -> None:
    """Events without a seal: they wait, or the sealer has looked since and they were not there."""
    found = events.recent().order_by("id").filter(~Exists(Seal.objects.filter(event_id=OuterRef("pk"))))
    if environment is not None:
        found = found.filter(environment__key=environment) if environment else found.filter(environment=None)
    looked = sealer.looked_at if sealer else None
    if looked is None:
        result.waiting += found.count()
        return
    result.waiting += found.filter(at__gte=looked - GRACE).count()
    for event in found.filter(at__lt=looked - GRACE).iterator():
        name = event.environment.key if event.environment else ""
        text = f"{event.kind} {event.subject} says {utc(event.at)[:19]} UTC and has no seal"
        result.add(Finding(Wrong.INSERTED, name, None, event.pk, text, utc(looked)))
