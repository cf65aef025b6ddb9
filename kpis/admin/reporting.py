"""People report figures from outside: one by a form, many by a CSV file; and take one back."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.utils import timezone
from unfold.views import UnfoldModelAdminViewMixin
from unfold.widgets import (
    UnfoldAdminFileFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from core.admin.confirm import ConfirmView, Effect
from core.admin.plain_form import PlainForm
from core.admin.read_only import is_number, person
from core.admin.refusals import RefusalsView
from kpis.admin import places
from kpis.domain import table
from kpis.domain.definition import Measure
from kpis.selectors import outside
from kpis.selectors.registry import definitions
from kpis.services import reporting
from kpis.services.reporting import LONGEST_NOTE, Given

if TYPE_CHECKING:
    from core.models import Environment
    from kpis.models import OutsideFigure

CORRECT = "Take the place of a figure for exactly the same period. The old one stays in the history."


class _Form(PlainForm):
    correct = forms.BooleanField(
        label="Correct what is there", required=False, widget=UnfoldBooleanSwitchWidget, help_text=CORRECT
    )


def _day(label: str, help_text: str = "") -> forms.DateField:
    widget = UnfoldAdminTextInputWidget(attrs={"type": "date"})
    return forms.DateField(label=label, widget=widget, help_text=help_text)


def _amount(label: str, help_text: str, *, required: bool = True) -> forms.FloatField:
    widget = UnfoldAdminTextInputWidget(attrs={"inputmode": "decimal", "autocomplete": "off"})
    return forms.FloatField(label=label, required=required, widget=widget, help_text=help_text)


class FigureForm(_Form):
    kpi = forms.ChoiceField(label="KPI", widget=UnfoldAdminSelectWidget)
    start = _day("First day")
    end = _day("Last day", "Days of one period, both counted. It has to be over.")
    baseline = _amount(
        "Baseline",
        "The same figure of a period as long before the rollout. Left out where the KPI is no reduction.",
        required=False,
    )
    current = _amount("This period", "A count, an amount or hours, in the same unit as the baseline.")
    note = forms.CharField(
        label="Note",
        required=False,
        max_length=LONGEST_NOTE,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}),
        help_text="Where it comes from: stays with the figure.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        known = [(each.key, each.name) for each in definitions() if each.measure.from_outside]
        self.fields["kpi"].choices = known  # type: ignore[attr-defined]
        self.order_fields(["kpi", "start", "end", "baseline", "current", "note", "correct"])


class FileForm(_Form):
    file = forms.FileField(
        label="CSV file",
        widget=UnfoldAdminFileFieldWidget(attrs={"accept": ".csv,text/csv"}),
        help_text=f"UTF-8, at most {table.MOST_LINES:,} lines. All of it is taken, or nothing.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.order_fields(["file", "correct"])


class _Reporting(UnfoldModelAdminViewMixin, RefusalsView):
    permission_required = places.REPORT

    @cached_property
    def where(self) -> Environment:
        return places.find_environment(self.kwargs["where"])

    def back(self) -> str:
        key = self.request.GET.get("kpi", "")
        known = {each.key for each in definitions()}
        return places.page(self.where.key, key) if key in known else places.board(self.where.key)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        crumbs = [(f"KPIs in {self.where}", places.board(self.where.key))]
        return super().get_context_data(
            environment_row=self.where, crumbs=crumbs, back=self.back(), query=self.request.GET.urlencode(), **kwargs
        )

    def who(self) -> dict[str, Any]:
        return {"actor": person(self.request), "now": timezone.now()}


class ReportFigure(_Reporting):
    """A new figure, or with `figure` in the address the correction of one."""

    form_class = FigureForm
    template_name = "kpis/report.html"
    title = "Report a figure"

    def get_initial(self) -> dict[str, Any]:
        number = self.request.GET.get("figure", "")
        if not is_number(number):
            return {"kpi": self.request.GET.get("kpi", "")}
        row = outside.reported(self.where.pk).filter(pk=int(number)).first()
        if row is None:
            return {}
        kept = {field: getattr(row, field) for field in ("baseline", "current", "note")}
        days = {"start": row.start.isoformat(), "end": row.end.isoformat()}
        return {"kpi": row.kpi.key, **days, **kept, "correct": True}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        plain = [each.name for each in definitions() if each.measure is Measure.VALUE]
        return super().get_context_data(plain=plain, **kwargs)

    def form_valid(self, form: forms.Form) -> HttpResponse:
        values = dict(form.cleaned_data)
        correct = values.pop("correct")
        given = Given(**values)
        return self.attempt(
            form, lambda: reporting.report(self.where.key, given, correct=correct, **self.who()), self._done
        )

    def _done(self, row: OutsideFigure) -> HttpResponse:
        messages.success(self.request, f"{row.kpi}: the figure for {row.start} to {row.end} is taken.")
        return self.leave(places.page(self.where.key, row.kpi.key))


class UploadFigures(_Reporting):
    form_class = FileForm
    template_name = "kpis/upload.html"
    title = "Upload figures"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        known = [(each.key, each.name) for each in definitions() if each.measure.from_outside]
        return super().get_context_data(example=table.EXAMPLE, known=known, **kwargs)

    def form_valid(self, form: forms.Form) -> HttpResponse:
        content, correct = table.read_from(form.cleaned_data["file"]), form.cleaned_data["correct"]
        return self.attempt(
            form,
            lambda: reporting.report_file(self.where.key, content, correct=correct, **self.who()),
            self._done,
        )

    def _done(self, rows: list[OutsideFigure]) -> HttpResponse:
        messages.success(self.request, f"{len(rows):,} figure{'s are' if len(rows) != 1 else ' is'} taken.")
        return self.leave(places.board(self.where.key))


class WithdrawFigure(ConfirmView):
    permission_required = places.REPORT

    @cached_property
    def row(self) -> OutsideFigure:
        return outside.figure(self.kwargs["pk"])

    def effect(self) -> Effect:
        row = self.row
        return Effect(
            title=f"Withdraw: {row.kpi}, {row.start} to {row.end}",
            sentences=[f"{row.current:g}, reported by {row.reported_by}, holds no longer. It stays in the history."],
            submit="Withdraw",
            dangerous=True,
            environment=row.environment,
        )

    def perform(self, values: dict[str, Any]) -> str:
        reporting.withdraw(self.row.pk, reason=values["reason"], actor=person(self.request), now=timezone.now())
        return "The figure is withdrawn."

    def back(self) -> str:
        return places.page(self.row.environment.key, self.row.kpi.key)
