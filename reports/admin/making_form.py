"""Make a report of any time by hand."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import forms
from django.db.models import Model
from django.urls import reverse
from django.utils import timezone
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from core import environments
from core.admin.plain_form import PlainForm
from core.admin.previewed_form import PreviewedForm
from core.admin.read_only import person
from core.errors import DomainError
from reports.admin.commands import MAKE
from reports.domain.periods import Period, by_hand
from reports.selectors import reports
from reports.services import making


class MakeForm(PlainForm):
    environment = forms.ChoiceField(label="Environment", widget=UnfoldAdminSelectWidget)
    first = forms.DateField(label="First day", widget=UnfoldAdminTextInputWidget(attrs={"type": "date"}))
    last = forms.DateField(label="Last day", widget=UnfoldAdminTextInputWidget(attrs={"type": "date"}))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [(row.key, row.name) for row in environments.ordered()]
        self.fields["environment"].choices = choices  # type: ignore[attr-defined]

    def refuse(self, error: Exception) -> None:
        field = getattr(error, "field", None)
        self.add_error(field if field in self.fields else None, str(error))

    def period(self) -> Period:
        """The period that was asked for. Raises what `by_hand` raises."""
        told = self.cleaned_data
        zone = reports.zone_of(environments.get(told["environment"]), reports.setup())
        return by_hand(told["first"], told["last"], zone=zone, now=timezone.now())


class MakeView(PreviewedForm):
    permission_required = MAKE
    title = "Make a report"
    form_class = MakeForm
    preview_template = "reports/make_preview.html"
    submit = "Make it"

    def get_initial(self) -> dict[str, Any]:
        last, today = environments.ordered().last(), timezone.localdate()
        start = {"environment": last.key if last else "", "first": (today - timedelta(days=7)).isoformat()}
        return start | {"last": (today - timedelta(days=1)).isoformat()}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        back = reverse("admin:reports_report_changelist")
        told = MakeForm(self.request.POST or self.request.GET or self.get_initial())
        shown: dict[str, Any] = {}
        if told.is_valid():
            try:
                period = told.period()
                environment = environments.get(told.cleaned_data["environment"])
                shown = {
                    "period": period,
                    "before": period.before(),
                    "known": reports.of_period(environment.pk, period),
                }
            except DomainError as error:
                shown = {"flaw": str(error)}
        return super().get_context_data(back=back, crumbs=[("Weekly reports", back)], **shown, **kwargs)

    def perform(self, form: Any) -> Model:
        environment = form.cleaned_data["environment"]
        return making.make(environment, form.period(), actor=person(self.request), now=timezone.now())

    def done(self, row: Any) -> tuple[str, str]:
        return "Here it is.", reverse("admin:reports_report_change", args=[row.pk])
