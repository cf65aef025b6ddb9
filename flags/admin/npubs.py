"""The allow-list and the deny-list of one flag in one environment: looked through, and downloaded."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import reverse

from core.admin.read_only import Screen
from flags.admin.flag_page import find, list_crumbs
from flags.domain.upload import safe_cell
from flags.models import FlagState
from flags.selectors.lists import npubs
from flags.services.lists import Edit, edit_allow_list, edit_deny_list

PER_PAGE = 50


@dataclass(frozen=True, slots=True)
class Kind:
    """What one of the two lists is called, and what being on it means. `{}` stands for the flag."""

    name: str
    noun: str
    means: str
    empty: str

    def count(self, state: FlagState) -> int:
        counted: int = getattr(state, f"{self.name}_count")
        return counted

    def edit(self, state: FlagState, **how: Any) -> Edit:
        service = edit_allow_list if self.name == "allow" else edit_deny_list
        return service(state.flag.key, state.environment.key, **how)

    def url(self, state: FlagState, what: str = "") -> str:
        return reverse(f"admin:flags_{self.name}_list{what}", args=[state.pk])


ALLOW = Kind(
    "allow",
    "allow-list",
    "They have {} whenever it is enabled, whatever rules and percentage say.",
    "Add the npubs of the team to try the feature before everybody else.",
)
DENY = Kind(
    "deny",
    "deny-list",
    "They never have {}, whatever allow-list, rules and percentage say.",
    "Put npubs here that must not have the feature, for example while their wallet is repaired.",
)


class ListPage(Screen):
    """The npubs in the order in which they came, searched by any part of them."""

    permission_required = "flags.view_flagstate"
    template_name = "flags/npubs.html"
    kind = ALLOW

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        state = find(self.kwargs["pk"])
        self.title = self.kind.noun.capitalize()
        search = self.request.GET.get("q", "").replace("\0", "").strip()  # PostgreSQL refuses it
        listed = npubs(self.kind.name, state.pk, search=search)
        return super().get_context_data(
            state=state,
            kind=self.kind,
            count=self.kind.count(state),
            means=self.kind.means.format(state.flag.key),
            search=search,
            rows=Paginator(listed, PER_PAGE).get_page(self.request.GET.get("p")),
            edit_url=self.kind.url(state, "_edit"),
            csv_url=self.kind.url(state, "_csv"),
            may_operate=self.request.user.has_perm("flags.operate_flagstate"),
            crumbs=list_crumbs(state),
            **kwargs,
        )


class ListFile(Screen):
    """The list as CSV, as it is written for a spreadsheet and read again by the upload."""

    permission_required = "flags.view_flagstate"
    kind = ALLOW

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        state = find(self.kwargs["pk"])
        response = StreamingHttpResponse(self._lines(state), content_type="text/csv; charset=utf-8")
        name = f"{state.flag.key}-{state.environment.key}-{self.kind.noun}.csv"
        response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
        return response  # type: ignore[return-value]

    def _lines(self, state: FlagState) -> Iterator[str]:
        writer = csv.writer(_Echo())
        yield writer.writerow(["npub"])
        for npub in npubs(self.kind.name, state.pk).values_list("npub", flat=True).iterator(chunk_size=5_000):
            yield writer.writerow([safe_cell(npub)])


class _Echo:
    """A file that gives back what is written to it."""

    def write(self, text: str) -> str:
        return text


class DenyListPage(ListPage):
    kind = DENY


class DenyListFile(ListFile):
    kind = DENY
