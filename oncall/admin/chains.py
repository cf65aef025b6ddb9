"""The chains: in sentences, with who is told when; and their form."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from crispy_forms.layout import Div
from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.widgets import UnfoldAdminSelectWidget

from core import events, people
from core.admin.confirm import ConfirmView, Effect
from core.admin.previewed_form import PreviewedForm
from core.admin.read_only import ReadOnlyAdmin, Screen, person
from core.errors import Invalid, NotFound
from core.repeating import joined
from core.templatetags.screen import NOTHING
from oncall import selectors
from oncall.admin import words
from oncall.admin.schedule_form import PlanForm, text
from oncall.domain import chain
from oncall.domain.chain import MOST_STEPS, Target
from oncall.models import Chain
from oncall.services import chaining

CHANGE = "oncall.change_chain"
HISTORY = 30
DO = {
    "": "–",
    "schedule": "Notify who is on call in",
    "people": "Notify people",
    "role": "Notify a role",
    "audience": "Notify an audience",
    "wait": "Wait (minutes)",
    "repeat": "Begin again (times)",
}


def find(pk: int) -> Chain:
    """The chain of an address; a 404 when there is none."""
    found = selectors.chains().filter(pk=pk).first()
    if found is None:
        raise Http404(f"There is no chain {pk}.")
    return found


class ChainPage(Screen):
    permission_required = "oncall.view_chain"
    template_name = "oncall/page.html"
    live_template = "oncall/chain_live.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        row = find(self.kwargs["pk"])
        self.title = row.name
        return super().get_context_data(
            row=row,
            steps=words.steps(row.steps),
            timetables=words.timetables(row.steps),
            history=list(events.about(f"chain:{row.key}")[:HISTORY]),
            may_change=self.request.user.has_perm(CHANGE),
            renew_every=30,
            **kwargs,
        )


class ChainForm(PlanForm):
    """A line for each step, and some that are empty."""

    description = text("For what", required=False, most=500)
    above = ("name", "description")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, most=MOST_STEPS, **kwargs)

    def row_fields(self, number: int) -> dict[str, forms.Field]:
        levels = [("1", "Always"), ("2", "From level 2"), ("3", "From level 3")]
        first = f"Step {number + 1}"
        made: dict[str, forms.Field] = {
            "place": text("Place", required=False, most=3, inputmode="numeric"),
            "do": forms.ChoiceField(
                label=first, required=False, choices=list(DO.items()), widget=UnfoldAdminSelectWidget
            ),
            "value": text("Whom, or how many", required=False, most=1000),
            "level": forms.ChoiceField(label="When", required=False, choices=levels, widget=UnfoldAdminSelectWidget),
        }
        return {f"step{number}_{name}": field for name, field in made.items()}

    def row_layout(self, number: int) -> Div:
        parts = (f"step{number}_{part}" for part in ("place", "do", "value", "level"))
        return Div(*parts, css_class="oncall-step")

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        filled = [number for number in range(self.row_count) if cleaned.get(f"step{number}_do")]
        self._filled = sorted(filled, key=lambda number: (self._place(number), number))
        wanted = {
            "name": cleaned.get("name", ""),
            "description": cleaned.get("description", ""),
            "steps": [self._step(number) for number in self._filled],
        }
        try:
            self.values = chain.read(wanted)
        except Invalid as error:
            self.refuse(error)
        return cleaned

    def field_of(self, field: str) -> str:
        """`steps.1` is the second step that was filled in."""
        head, _, number = field.partition(".")
        if head != "steps":
            return field
        return f"step{self._filled[int(number)]}_value" if number.isdecimal() else "step0_do"

    def _place(self, number: int) -> int:
        """Where a person wants it; else where it stands."""
        asked = str(self.cleaned_data.get(f"step{number}_place") or "")
        return int(asked) if asked.isdecimal() else number + 1

    def _step(self, number: int) -> dict[str, Any]:
        get = {part: str(self.cleaned_data.get(f"step{number}_{part}") or "") for part in ("do", "value", "level")}
        value, level = get["value"].strip(), int(get["level"] or 1)
        if get["do"] in list(Target):
            names: Any = value.replace(",", " ").split() if get["do"] == Target.PEOPLE else value
            return {"notify": {get["do"]: names}, "fromLevel": level}
        return {get["do"]: int(value) if value.isdecimal() else value, "fromLevel": level}


class AddChain(PreviewedForm):
    """The preview tells who would be told when."""

    permission_required = CHANGE
    title = "Make a chain"
    submit = "Make the chain"
    form_class = ChainForm
    template_name = "oncall/form.html"
    preview_template = "oncall/chain_preview.html"

    def get_initial(self) -> dict[str, Any]:
        return {"step0_do": "schedule", "step1_do": "wait", "step1_value": "15"}

    def form_options(self) -> dict[str, Any]:
        return {"rows": 6}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        asked = self.form_class(self.request.POST or self.request.GET or self.get_initial(), **self.form_options())
        asked.is_valid()
        steps = asked.values["steps"] if asked.values else []
        now = timezone.now()
        return super().get_context_data(
            steps=words.steps(steps),
            timetable=words.timetable(steps, 1) if steps else [],
            flaws=[flaw for name, flaws in asked.errors.items() if name not in ("key", "why") for flaw in flaws],
            schedules=joined([row.key for row in selectors.schedules(now=now)]),
            people=joined(people.usernames()),
            roles=joined(people.roles()),
            crumbs=[("Escalation chains", reverse("admin:oncall_chain_changelist"))],
            back=self.back(),
            **kwargs,
        )

    def back(self) -> str:
        return reverse("admin:oncall_chain_changelist")

    def done(self, row: Chain) -> tuple[str, str]:
        return f"{row.name} is as shown. What runs already keeps the chain it has.", page_of(row)

    def perform(self, form: ChainForm) -> Chain:
        assert form.values is not None  # noqa: S101 - a valid form has them
        return chaining.create(form.cleaned_data["key"], form.values, **self.who(form))

    def who(self, form: ChainForm) -> dict[str, Any]:
        return {"actor": person(self.request), "now": timezone.now(), "reason": form.cleaned_data["why"]}


class ChangeChain(AddChain):
    """The same form for a chain there is."""

    submit = "Change the chain"

    @cached_property
    def row(self) -> Chain:
        return find(self.kwargs["pk"])

    @property
    def title(self) -> str:  # type: ignore[override]
        return f"Change {self.row.name}"

    def get_initial(self) -> dict[str, Any]:
        found = {"name": self.row.name, "description": self.row.description, "version": self.row.version}
        for number, step in enumerate(self.row.steps):
            kind = next(name for name in ("notify", "wait", "repeat") if name in step)
            do, value = next(iter(step["notify"].items())) if kind == "notify" else (kind, step[kind])
            shown = ", ".join(value) if isinstance(value, list) else str(value)
            parts = {"place": number + 1, "do": do, "value": shown, "level": str(step.get("fromLevel", 1))}
            found |= {f"step{number}_{part}": each for part, each in parts.items()}
        return found

    def form_options(self) -> dict[str, Any]:
        return {"changes": True, "rows": len(self.row.steps) + 3}

    def back(self) -> str:
        return page_of(self.row)

    def perform(self, form: ChainForm) -> Chain:
        assert form.values is not None  # noqa: S101 - a valid form has them
        return chaining.define(self.row.key, form.values, version=form.cleaned_data["version"], **self.who(form))


class RemoveChain(ConfirmView):
    permission_required = CHANGE

    @cached_property
    def row(self) -> Chain:
        return find(self.kwargs["pk"])

    def effect(self) -> Effect:
        told = "What runs already goes on by its own copy. Whatever names this chain cannot begin with it any more."
        return Effect(f"Remove {self.row.name}", [told], "Remove the chain", dangerous=True)

    def perform(self, values: dict[str, Any]) -> str:
        chaining.remove(self.row.key, actor=person(self.request), reason=values["reason"], now=timezone.now())
        return f"{self.row.name} is removed."

    def back(self) -> str:
        there = selectors.chains().filter(pk=self.kwargs["pk"]).exists()
        return page_of(self.row) if there else reverse("admin:oncall_chain_changelist")


def page_of(row: Chain) -> str:
    return reverse("admin:oncall_chain_change", args=[row.pk])


@admin.register(Chain)
class ChainAdmin(ReadOnlyAdmin):
    heading = "Escalation chains"
    page = ChainPage
    list_display = ("name_", "steps_", "for_what")
    list_display_links = None
    list_fullwidth = True
    list_before_template = "oncall/chains_head.html"
    show_full_result_count = False
    ordering = ("name", "id")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Chain]:
        return selectors.chains()

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        views: dict[str, tuple[str, Any]] = {
            "add": ("add/", AddChain),
            "edit": ("<int:pk>/edit/", ChangeChain),
            "remove": ("<int:pk>/remove/", RemoveChain),
        }
        own = [
            path(where, wrap(view.as_view(model_admin=self)), name=f"oncall_chain_{name}")
            for name, (where, view) in views.items()
        ]
        return [*own, path("key/<slug:key>/", wrap(_by_key), name="oncall_chain_by_key"), *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        context = {"may_change": request.user.has_perm(CHANGE), **(extra_context or {})}
        shown: HttpResponse = super().changelist_view(request, context)
        return shown

    @admin.display(description="Chain", ordering="name")
    def name_(self, row: Chain) -> SafeString:
        return format_html(
            '<span><a class="ops-link" href="{}">{}</a><br><span class="ops-soft ops-small">{}</span></span>',
            page_of(row),
            row.name,
            row.key,
        )

    @admin.display(description="For what", ordering="description")
    def for_what(self, row: Chain) -> str:
        return row.description or NOTHING

    @admin.display(description="Steps")
    def steps_(self, row: Chain) -> str:
        return " ".join(sentence for _, sentence in words.steps(row.steps))


def _by_key(request: HttpRequest, key: str) -> HttpResponse:
    """The page of a chain by the key that events know."""
    if not request.user.has_perm("oncall.view_chain"):
        raise PermissionDenied
    try:
        return redirect(page_of(selectors.chain_of(key)))
    except NotFound as error:
        raise Http404(str(error)) from error
