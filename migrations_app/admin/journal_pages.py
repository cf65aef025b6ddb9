"""The documents that a run has changed, as its journal has them. Only reads, and nothing that can be spent."""

from __future__ import annotations

import time
from copy import deepcopy
from dataclasses import dataclass
from itertools import islice
from typing import Any

from django.http import Http404, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from pymongo.database import Database

from core.admin.read_only import Screen
from core.errors import Conflict
from migrations_app.adapters import documents, journal, target
from migrations_app.adapters.mongo import Unreachable
from migrations_app.admin import words
from migrations_app.admin.answering import need_answer
from migrations_app.admin.run_page import found
from migrations_app.domain.bson_order import order_key
from migrations_app.domain.images import MISSING, Image, Write, get, put, remove
from migrations_app.domain.restoring import Fate, back
from migrations_app.models import MigrationRun

PER_PAGE = 50
LOOKING = 3.0  # seconds in which a journal is looked through for one document
ASKING = 6.0  # seconds for all that a page asks of MongoDB


@dataclass(frozen=True, slots=True)
class Entry:
    """One document of the journal. `leaves`: path, before and after, as text."""

    key: str
    title: str
    leaves: list[tuple[str, str, str]]
    url: str


class JournalScreen(Screen):
    """Of the run itself; of a rollback, that of the run which it takes back."""

    permission_required = "migrations_app.view_migrationrun"

    def get(self, *args: Any, **kwargs: Any) -> HttpResponse:
        """The page, or one that says that MongoDB is away, with status 503."""
        try:
            return super().get(*args, **kwargs)
        except (Unreachable, Conflict) as error:
            self.title = "Documents of the run"
            context = super().get_context_data(detail=str(error), again=self.request.get_full_path())
            return TemplateResponse(self.request, "migrations_app/away.html", context, status=503)

    def ground(self) -> tuple[MigrationRun, Database[dict[str, Any]]]:
        """The run whose journal it is, and where that lies."""
        row = found(self.kwargs["pk"])
        of = row.of or row
        need_answer(of.environment.key)
        return of, target.connect(of.environment.key).database

    def about(self, of: MigrationRun) -> dict[str, Any]:
        run = reverse("admin:migrations_app_migrationrun_change", args=[of.pk])
        crumbs = [(self.model_admin.heading, self.model_admin.list_url()), (of.title, run)]
        return {"row": of, "crumbs": crumbs, "run_url": run}


class DocumentsPage(JournalScreen):
    template_name = "migrations_app/documents.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        of, database = self.ground()
        self.title = f"Documents of {of.uid}"
        seq, first = _number(self.request.GET.get("seq", "")), _number(self.request.GET.get("first", ""))
        with target.told(ASKING):
            entries, following = _page(of, database, seq, first)
        done = sum(of.result.get("changed", {}).values()) or of.progress.get("done", 0)
        return super().get_context_data(
            entries=entries,
            following=following,
            begins=not (seq or first),
            count=done,
            absent=words.ABSENT,
            **self.about(of),
            **kwargs,
        )


class DocumentPage(JournalScreen):
    template_name = "migrations_app/run_document.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        of, database = self.ground()
        with target.told(ASKING):
            operation, image = _image(database, of.uid, self.kwargs["seq"], self.kwargs["position"])
            title, collection = words.titles(of.number).get(operation, (operation, ""))
            rows = database[collection] if collection else None
            now = documents.by_ids(rows, [image.id]).get(order_key(image.id)) if rows is not None else None
            fate, write, whole = _decided(database, of.uid, self.kwargs["seq"], image, now)
        self.title = "One document"
        crumbs = {**self.about(of), "crumbs": [("Documents", reverse("admin:migrations_app_documents", args=[of.pk]))]}
        return super().get_context_data(
            key=_key(image),
            operation=title,
            collection=collection,
            leaves=[(*each, words.value(get(now, each[0]) if now else MISSING, each[0])) for each in _leaves(image)],
            fate=words.FATES[fate] if collection else None,
            whole=whole,
            steps=_steps(write),
            document=words.as_json(now) if now else "",
            url=words.document_url(collection, _key(image), of.environment.key),
            taken_back=of.state == "rolled_back",
            **crumbs,
            **kwargs,
        )


def _decided(
    database: Database[dict[str, Any]], uid: str, seq: int, image: Image, now: dict[str, Any] | None
) -> tuple[Fate, Write | None, bool]:
    """What a rollback makes of the document, and whether the rest of the journal was looked through for that.

    It undoes what the run did to the document later first; so does this. Only where the entry alone would not fit.
    """
    fate, write = back(image, now)
    if now is None or fate not in (Fate.MERGED, Fate.CONFLICT):
        return fate, write, True
    key, end, later = order_key(image.id), time.monotonic() + LOOKING, []
    for batch in journal.forwards(database, uid, above=seq):
        if time.monotonic() > end:
            return fate, write, False
        later += [each for each in batch.images if order_key(each.id) == key]
    document = now
    for each in reversed(later):
        _, undo = back(each, document)
        document = _written(document, undo) if undo is not None else document
    return *back(image, document), True


def _written(document: dict[str, Any], write: Write) -> dict[str, Any]:
    """The document as the write makes it."""
    if write.whole is not None:
        return write.whole
    found = deepcopy(document)
    for path, value in write.update.get("$set", {}).items():
        put(found, path, value)
    for path in write.update.get("$unset", {}):
        remove(found, path)
    return found


def _page(
    of: MigrationRun, database: Database[dict[str, Any]], seq: int, first: int
) -> tuple[list[Entry], dict[str, int] | None]:
    """The entries from one place of the journal on, and where the next page begins."""
    titles = words.titles(of.number)
    entries: list[Entry] = []
    for batch in journal.forwards(database, of.uid, above=max(0, seq - 1)):
        begin = first if batch.seq == seq else 0
        for position, image in enumerate(batch.images[begin:], start=begin):
            if len(entries) == PER_PAGE:
                return entries, {"seq": batch.seq, "first": position}
            url = reverse("admin:migrations_app_document", args=[of.pk, batch.seq, position])
            title = titles.get(batch.operation, (batch.operation, ""))[0]
            entries.append(Entry(_key(image), title, _leaves(image), url))
    return entries, None


def _image(database: Database[dict[str, Any]], uid: str, seq: int, position: int) -> tuple[str, Image]:
    """One entry. A page that is not there without it."""
    for batch in islice(journal.forwards(database, uid, above=seq - 1), 1):
        if batch.seq == seq and position < len(batch.images):
            return batch.operation, batch.images[position]
    raise Http404("The journal has no such entry.")


def _leaves(image: Image) -> list[tuple[str, str, str]]:
    return [
        (leaf.path, words.value(leaf.before, leaf.path), words.value(leaf.after, leaf.path)) for leaf in image.leaves
    ]


def _key(image: Image) -> str:
    return str(image.id)


def _steps(write: Write | None) -> list[str]:
    """What a rollback would write, one line for each field."""
    if write is None:
        return []
    if write.whole is not None:
        return ["The whole document is put back, for its fields have to come into their old order."]
    sets = [f"{path} becomes {words.value(value, path)}" for path, value in write.update.get("$set", {}).items()]
    return [*sets, *(f"{path} is taken away" for path in write.update.get("$unset", {}))]


def _number(text: str) -> int:
    """From an address: anything odd is the beginning."""
    return int(text) if text.isdecimal() and len(text) < 10 else 0
