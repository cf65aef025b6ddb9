"""The register of risks: the list with its matrix, one risk, and the form."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.views import UnfoldModelAdminViewMixin

from core import events
from core.admin.read_only import ReadOnlyAdmin, Screen, person
from core.admin.refusals import RefusalsView
from core.errors import Conflict, NotFound
from core.templatetags.screen import NOTHING, badge
from risk import selectors
from risk.admin import safeguards, words
from risk.admin.register_form import RiskForm, initial
from risk.domain.levels import RiskState
from risk.domain.matrix import HURTS, LIKELY, exposure
from risk.models import Risk
from risk.services import register

VIEW = "risk.view_risk"
PERMISSION = "risk.register_risk"
HISTORY = 20


def overdue(row: Risk, *, today: date) -> bool:
    """Whether somebody should have looked at it again; nobody needs to, once it is closed."""
    return row.review_on is not None and row.review_on < today and row.state != RiskState.CLOSED


def review(row: Risk) -> SafeString | str:
    if row.review_on is None:
        return NOTHING
    written = f"{row.review_on.day} {row.review_on:%b %Y}"
    day = format_html('<time datetime="{}">{}</time>', row.review_on.isoformat(), written)
    if not overdue(row, today=timezone.localdate()):
        return day
    return format_html("{} {}", day, badge("overdue", "bad", "event_busy"))


def matrix(rows: list[Risk]) -> list[dict[str, Any]]:
    """The likeliest on top: for each probability a cell for each impact, with the risks that are there."""
    return [
        {
            "probability": probability.value,
            "cells": [
                {
                    "level": exposure(probability, impact).value,
                    "tone": words.tone(exposure(probability, impact).value),
                    "risks": [row for row in rows if (row.probability, row.impact) == (probability, impact)],
                }
                for impact in HURTS
            ],
        }
        for probability in reversed(LIKELY)
    ]


class RiskPage(Screen):
    permission_required = VIEW
    template_name = "risk/risk.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        row = find(self.kwargs["pk"])
        self.title = row.title
        level = exposure(row.probability, row.impact).value
        return super().get_context_data(
            risk=row,
            level=words.level(level),
            tone=words.tone(level),
            state=words.state(row.state),
            review=review(row),
            overdue=overdue(row, today=timezone.localdate()),
            safeguards=safeguards.of(row.links, safeguards.known()),
            history=events.about(f"risk:{row.key}")[:HISTORY],
            may_change=self.request.user.has_perm(PERMISSION),
            **kwargs,
        )


def find(pk: int) -> Risk:
    row = selectors.register().filter(pk=pk).first()
    if row is None:
        raise Http404(f"There is no risk {pk} in the register.")
    return row


class EditRisk(UnfoldModelAdminViewMixin, RefusalsView):
    """A new risk, or with `pk` one that is there."""

    permission_required = PERMISSION
    form_class = RiskForm
    template_name = "risk/form.html"
    title = "Register a risk"

    @property
    def row(self) -> Risk | None:
        return find(self.kwargs["pk"]) if "pk" in self.kwargs else None

    def subject(self) -> tuple[str, int | None]:
        return (f"risk:{self.row.key}", None) if self.row else ("", None)

    def version(self) -> int | None:
        return self.row.version if self.row else None

    def get_form_kwargs(self) -> dict[str, Any]:
        return {**super().get_form_kwargs(), "row": self.row}

    def get_initial(self) -> dict[str, Any]:
        row = self.row
        start = initial(row) if row else {"state": RiskState.OPEN.value}
        return {**start, "version": self.version(), "seen": self.last_event()}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        row, listed = self.row, self.model_admin.list_url()
        if row:
            self.title = f"Change: {row.title}"
        crumbs = [("Risk register", listed), *([(row.title, page(row))] if row else [])]
        return super().get_context_data(risk=row, crumbs=crumbs, back=page(row) if row else listed, **kwargs)

    def form_valid(self, form: forms.Form) -> HttpResponse:
        return self.attempt(form, lambda: self._save(form), self._done)

    def _save(self, form: Any) -> Risk:
        given, row = form.cleaned_data, self.row
        key = row.key if row else given["key"]
        if row is None and selectors.register().filter(key=key).exists():
            raise Conflict(f"There is a risk {key!r} already: change that one, or choose another key.")
        who = {"actor": person(self.request), "reason": given["reason"], "now": timezone.now()}
        return register.define(key, form.values(row), version=given["version"], **who)

    def _done(self, row: Risk) -> HttpResponse:
        messages.success(self.request, f"{row.title} is in the register.")
        return self.leave(page(row))


def page(row: Risk) -> str:
    return reverse("admin:risk_risk_change", args=[row.pk])


def by_key(request: HttpRequest, key: str) -> HttpResponse:
    """The page of a risk that is known by its key, as events know it."""
    if not request.user.has_perm(VIEW):
        raise PermissionDenied
    try:
        return redirect(page(selectors.risk(key)))
    except NotFound as error:
        raise Http404(str(error)) from error


@admin.register(Risk)
class RiskAdmin(ReadOnlyAdmin):
    heading = "Risk register"
    page = RiskPage
    list_display = ("what", "how_bad", "likely", "hurts", "standing", "whose", "again", "mitigated")
    list_display_links = None
    list_filter = (
        ("state", ChoicesDropdownFilter),
        ("probability", ChoicesDropdownFilter),
        ("impact", ChoicesDropdownFilter),
    )
    list_filter_submit = True
    list_fullwidth = True
    search_fields = ("title", "key", "owner")
    list_before_template = "risk/register_head.html"
    show_full_result_count = False

    class Media:
        css = {"all": ["risk/risk.css"]}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Risk]:
        return selectors.register()

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        edit = EditRisk.as_view(model_admin=self)
        return [
            path("new/", wrap(edit), name="risk_risk_new"),
            path("of/<slug:key>/", wrap(by_key), name="risk_risk_of"),
            path("<int:pk>/edit/", wrap(edit), name="risk_risk_edit"),
            *super().get_urls(),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        rows = [row for row in selectors.register() if row.state != RiskState.CLOSED]
        today = timezone.localdate()
        context = {
            "may_register": request.user.has_perm(PERMISSION),
            "impacts": [one.value for one in HURTS],
            "matrix": matrix(rows),
            "open_risks": len(rows),
            "overdue": [row for row in rows if overdue(row, today=today)],
        }
        shown: HttpResponse = super().changelist_view(request, {**context, **(extra_context or {})})
        return shown

    @admin.display(description="What may happen", ordering="title")
    def what(self, row: Risk) -> SafeString:
        return format_html('<a class="ops-link" href="{}">{}</a>', page(row), row.title)

    @admin.display(description="Level")
    def how_bad(self, row: Risk) -> SafeString:
        return words.level(exposure(row.probability, row.impact).value)

    @admin.display(description="Probability", ordering="probability")
    def likely(self, row: Risk) -> str:
        return row.probability

    @admin.display(description="Impact", ordering="impact")
    def hurts(self, row: Risk) -> str:
        return row.impact

    @admin.display(description="State", ordering="state")
    def standing(self, row: Risk) -> SafeString:
        return words.state(row.state)

    @admin.display(description="Owner", ordering="owner")
    def whose(self, row: Risk) -> str:
        return row.owner or NOTHING

    @admin.display(description="Review on", ordering="review_on")
    def again(self, row: Risk) -> SafeString | str:
        return review(row)

    @admin.display(description="Mitigated by")
    def mitigated(self, row: Risk) -> str:
        linked = len(row.links)
        return f"{len(row.mitigations)} measures, {linked} links"
