"""Why an npub has a feature or has it not: for support people, over all flags and environments, and over time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from django.core.paginator import Paginator

from core import environments
from core.admin.read_only import Screen
from core.errors import Invalid
from flags.domain.attributes import read_context
from flags.selectors import why

PER_PAGE = 50
LONGEST = 200


class WhyPage(Screen):
    """`npub`, `environment`, `q`, `flag` and `context` come in the address, so that an answer can be sent as a link.

    One flag is told in all environments, and over time in the chosen one.
    """

    permission_required = "flags.view_flagstate"
    template_name = "flags/why_npub.html"
    title = "Why for an npub?"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        given = {name: self._given(name) for name in ("npub", "environment", "q", "flag", "context")}
        places = list(environments.ordered().reverse())
        error, context = "", {}
        try:
            context = read_context(self.request.GET.get("context", ""))
        except Invalid as refused:
            error = str(refused)
        found = self._found(given, context) if given["npub"] and not error else {}
        return super().get_context_data(given=given, places=places, error=error, **found, **kwargs)

    def _given(self, name: str) -> str:
        text = self.request.GET.get(name, "").replace("\0", "").strip()  # PostgreSQL refuses it
        return text if name == "context" else text[:LONGEST]

    def _found(self, given: Mapping[str, str], context: Mapping[str, Any]) -> dict[str, Any]:
        one, npub = given["flag"], given["npub"]
        lines = why.answers(npub, context, environment="" if one else given["environment"], flag=one, search=given["q"])
        keys = {line.state.flag.key for line in lines}
        if given["q"] and len(keys) == 1 and not one:
            one = keys.pop()
            lines = why.answers(npub, context, flag=one)
        rest = {name: given[name] for name in ("npub", "context") if given[name]}
        chosen = [line for line in lines if line.state.environment.key == given["environment"]] or lines
        return {
            "rows": Paginator(lines, PER_PAGE).get_page(self.request.GET.get("p")),
            "query": urlencode({name: value for name, value in given.items() if value}),
            "rest": urlencode(rest),
            "over_time": why.over_time(chosen[0].state, npub, context) if one and chosen else None,
            "chosen": chosen[0].state if one and chosen else None,
        }
