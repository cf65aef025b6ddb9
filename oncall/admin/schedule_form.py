"""What a person fills in to make or change a schedule."""

from __future__ import annotations

import zoneinfo
from abc import abstractmethod
from collections.abc import Sequence
from functools import cached_property
from typing import Any

from crispy_forms.helper import FormHelper
from crispy_forms.layout import Div, Fieldset, Layout
from django import forms
from django.urls import reverse
from django.utils import timezone
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from core import people
from core.admin.previewed_form import PreviewedForm
from core.admin.read_only import person
from core.errors import Invalid
from oncall.admin import words
from oncall.admin.shift_dialogs import find
from oncall.domain import schedule
from oncall.domain.schedule import MOST_LAYERS
from oncall.domain.schedule import Schedule as Plan
from oncall.models import Schedule
from oncall.services import planning

DAYS = {"mon": "Mon", "tue": "Tue", "wed": "Wed", "thu": "Thu", "fri": "Fri", "sat": "Sat", "sun": "Sun"}
PARTS = ("name", "people", "turn", "starts", "days", "from", "to")


def text(label: str, *, required: bool = True, help_text: str = "", most: int = 120, **attrs: Any) -> forms.CharField:
    widget = UnfoldAdminTextInputWidget(attrs={"autocomplete": "off", **attrs})
    return forms.CharField(label=label, required=required, max_length=most, widget=widget, help_text=help_text)


class PlanForm(forms.Form):
    """What the forms of schedules and chains share. `values` is what was filled in, checked; None while it is wrong."""

    values: dict[str, Any] | None = None
    key = text("Key", most=40, help_text="Small letters, digits and hyphens. Chains and playbooks name it by this.")
    name = text("Name")
    why = forms.CharField(
        label="Why",
        max_length=2000,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}),
        help_text="Kept in the history with your name.",
    )
    version = forms.IntegerField(required=False, widget=forms.HiddenInput)
    rows = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, changes: bool = False, rows: int = 1, most: int = 30, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        asked = str(self.data.get("rows") or "")
        self.row_count = min(int(asked) if asked.isdecimal() and len(asked) < 4 else rows, most)
        self.initial["rows"] = self.row_count
        if changes:
            del self.fields["key"]
        for number in range(self.row_count):
            self.fields |= self.row_fields(number)

    @property
    def helper(self) -> FormHelper:
        helper = FormHelper()
        helper.form_tag = False
        above = [name for name in ("key", *self.above) if name in self.fields]
        rows = [self.row_layout(number) for number in range(self.row_count)]
        helper.layout = Layout(Div(*above, *rows, "why", "version", "rows", css_class="flex flex-col gap-5"))
        return helper

    above: Sequence[str] = ("name",)

    @abstractmethod
    def row_fields(self, number: int) -> dict[str, forms.Field]:
        """The fields of one row, by name; rows count from 0."""

    @abstractmethod
    def row_layout(self, number: int) -> Any:
        """How crispy lays them out."""

    def refuse(self, error: Exception) -> None:
        """Show a refusal at the field it is about."""
        field = self.field_of(getattr(error, "field", None) or "")
        self.add_error(field if field in self.fields else None, str(error))

    def field_of(self, field: str) -> str:
        return field


class ScheduleForm(PlanForm):
    """One block of fields for each layer, and one that is empty."""

    zone = forms.ChoiceField(
        label="Time zone",
        widget=UnfoldAdminSelectWidget,
        help_text="A hand-over at 09:00 stays at 09:00 when its clocks change.",
    )
    feed = text(
        "Import a calendar",
        required=False,
        most=500,
        placeholder="https://…/plan.ics",
        help_text="An iCalendar address. It counts where no layer names anybody. Empty: none.",
    )
    above = ("name", "zone", "feed")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, most=MOST_LAYERS, **kwargs)
        zones = sorted(zoneinfo.available_timezones() - {"UTC", "localtime"})
        self.fields["zone"].choices = [("UTC", "UTC"), *((zone, zone) for zone in zones)]  # type: ignore[attr-defined]

    def row_fields(self, number: int) -> dict[str, forms.Field]:
        made = {
            "name": text("Name of the layer", required=False, most=80, help_text="Empty: there is no such layer."),
            "people": text(
                "People in turns",
                required=False,
                most=2000,
                placeholder="ada, bob",
                help_text="User names in the order of their turns, with commas.",
            ),
            "turn": text("One turn", required=False, most=20, placeholder="1w", help_text="1w, 2d or 12h."),
            "starts": text("First hand-over", required=False, most=25, type="datetime-local"),
            "days": forms.MultipleChoiceField(
                label="Only on these days",
                required=False,
                choices=list(DAYS.items()),
                widget=UnfoldAdminCheckboxSelectMultipleWidget,
                help_text="None chosen: every day.",
            ),
            "from": text("Only from", required=False, most=5, type="time"),
            "to": text("Until", required=False, most=5, type="time", help_text="Earlier than “from”: on the next day."),
        }
        return {f"layer{number}_{name}": field for name, field in made.items()}

    def row_layout(self, number: int) -> Fieldset:
        name, who, turn, starts, days, opens, closes = (f"layer{number}_{part}" for part in PARTS)
        last = number == self.row_count - 1
        title = (
            "Another layer below" if last and number else f"Layer {number + 1}{', the uppermost' if not number else ''}"
        )
        pair = {"css_class": "ops-pair"}
        return Fieldset(
            title,
            name,
            who,
            Div(turn, starts, **pair),
            days,
            Div(opens, closes, **pair),
            css_class="oncall-part flex flex-col gap-5",
        )

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        self._filled = [number for number in range(self.row_count) if cleaned.get(f"layer{number}_name")]
        wanted = {
            "name": cleaned.get("name", ""),
            "zone": cleaned.get("zone", "UTC"),
            "feed": cleaned.get("feed", ""),
            "layers": [self._layer(number) for number in self._filled],
        }
        try:
            self.values, self.layers = schedule.read(wanted)
        except Invalid as error:
            self.refuse(error)
        return cleaned

    def field_of(self, field: str) -> str:
        """`layers.1.people` is that of the second layer that was filled in."""
        head, _, rest = field.partition(".")
        number, _, part = rest.partition(".")
        if head != "layers" or not number.isdecimal():
            return "layer0_name" if head == "layers" else field
        return f"layer{self._filled[int(number)]}_{ {'hours': 'from', '': 'name'}.get(part, part) }"

    def _layer(self, number: int) -> dict[str, Any]:
        get = {part: self.cleaned_data.get(f"layer{number}_{part}") or "" for part in PARTS}
        limited = get["days"] or get["from"] or get["to"]
        hours = {
            "from": get["from"][:5] or "00:00",
            "to": get["to"][:5] or get["from"][:5] or "00:00",
            "days": get["days"] or list(DAYS),
        }
        return {
            "name": get["name"],
            "people": get["people"].replace(",", " ").split(),
            "turn": get["turn"],
            "starts": get["starts"],
            "hours": hours if limited else {},
        }


class AddSchedule(PreviewedForm):
    """The preview tells who would be on call in the coming two weeks."""

    permission_required = "oncall.change_schedule"
    title = "Make a schedule"
    submit = "Make the schedule"
    form_class = ScheduleForm
    template_name = "oncall/form.html"
    preview_template = "oncall/schedule_preview.html"

    def get_initial(self) -> dict[str, Any]:
        monday = timezone.localtime()
        start = monday.replace(hour=9, minute=0)
        first = {"turn": "1w", "starts": f"{start:%Y-%m-%dT%H:%M}", "name": "Weekly"}
        return {
            "zone": timezone.get_current_timezone_name(),
            **{f"layer0_{name}": each for name, each in first.items()},
        }

    def form_options(self) -> dict[str, Any]:
        return {"rows": 2}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        now = timezone.now()
        asked = self.form_class(self.request.POST or self.request.GET or self.get_initial(), **self.form_options())
        asked.is_valid()
        plan = Plan(zoneinfo.ZoneInfo(asked.values["zone"]), asked.layers) if asked.values else None
        flaws = [text for name, texts in asked.errors.items() if name not in ("key", "why") for text in texts]
        return super().get_context_data(
            now=now,
            lines=words.lines(plan, plan.zone, now=now)[:20] if plan else [],
            strangers=planning.strangers(asked.values["layers"]) if asked.values else [],
            flaws=flaws,
            names=people.usernames(),
            crumbs=[("On call", reverse("admin:oncall_schedule_changelist"))],
            back=self.back(),
            **kwargs,
        )

    def back(self) -> str:
        return reverse("admin:oncall_schedule_changelist")

    def done(self, row: Schedule) -> tuple[str, str]:
        return f"{row.name} is as shown.", reverse("admin:oncall_schedule_change", args=[row.pk])

    def perform(self, form: ScheduleForm) -> Schedule:
        assert form.values is not None  # noqa: S101 - a valid form has them
        given = form.cleaned_data
        who: dict[str, Any] = {"actor": person(self.request), "now": timezone.now(), "reason": given["why"]}
        return planning.create(given["key"], form.values, **who)


class ChangeSchedule(AddSchedule):
    """The same form for a schedule there is."""

    submit = "Change the schedule"

    @cached_property
    def row(self) -> Schedule:
        return find(self.kwargs["pk"], now=timezone.now())

    @property
    def title(self) -> str:  # type: ignore[override]
        return f"Change {self.row.name}"

    def get_initial(self) -> dict[str, Any]:
        told = planning.picture(self.row)
        found = {"name": told["name"], "zone": told["zone"], "feed": told["feed"], "version": self.row.version}
        for number, layer in enumerate(told["layers"]):
            hours = layer["hours"]
            parts = {**layer, "people": ", ".join(layer["people"]), **hours}
            found |= {f"layer{number}_{part}": parts[part] for part in PARTS if part in parts}
        return found

    def form_options(self) -> dict[str, Any]:
        return {"changes": True, "rows": len(self.row.layers) + 1}

    def back(self) -> str:
        return reverse("admin:oncall_schedule_change", args=[self.kwargs["pk"]])

    def perform(self, form: ScheduleForm) -> Schedule:
        assert form.values is not None  # noqa: S101 - a valid form has them
        given = form.cleaned_data
        who: dict[str, Any] = {"actor": person(self.request), "now": timezone.now(), "reason": given["why"]}
        return planning.define(self.row.key, form.values, version=given["version"], **who)
