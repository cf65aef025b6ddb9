"""An approver lets checks of the readiness pass for some hours, and ends that."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from django import forms
from django.http import Http404
from django.urls import reverse
from django.utils import timezone
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget, UnfoldAdminSelectWidget

from core import environments
from core.admin.confirm import ConfirmView, Effect, ReasonForm
from core.admin.read_only import person
from migrations_app.domain.readiness import NEVER_WAIVED
from migrations_app.domain.readiness_checks import TITLES, CheckName
from migrations_app.models import ReadinessWaiver
from migrations_app.selectors import readiness as selectors
from migrations_app.services import readiness

if TYPE_CHECKING:
    from core.models import Environment

APPROVE = "migrations_app.approve_migration"
HOURS = [(1, "1 hour"), (4, "4 hours"), (12, "12 hours"), (24, "1 day")]
CHECKS = [(name.value, TITLES[name]) for name in CheckName if name not in NEVER_WAIVED]
PASSES = "Migrations of this environment pass {} until the time you choose, whatever {} then."


def page_of(environment: str) -> str:
    return reverse("admin:migrations_app_readiness_in", args=[environment])


class Dialog(ConfirmView):
    """About one environment, told by its key."""

    @property
    def environment(self) -> Environment:
        return environments.get(self.kwargs["key"])

    def back(self) -> str:
        return page_of(self.environment.key)

    def who(self) -> dict[str, Any]:
        return {"actor": person(self.request), "now": timezone.now()}


class WaiveForm(ReasonForm):
    hours = forms.TypedChoiceField(label="For", coerce=int, choices=HOURS, initial=4, widget=UnfoldAdminSelectWidget)

    field_order = ["hours", "reason"]


class SeveralForm(WaiveForm):
    checks = forms.MultipleChoiceField(
        label="Checks",
        choices=CHECKS,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        error_messages={"required": "Choose the checks that you have looked at in another way."},
    )

    field_order = ["checks", "hours", "reason"]


class Waive(Dialog):
    permission_required = APPROVE
    form_class = WaiveForm

    def effect(self) -> Effect:
        check = self.kwargs["check"]
        if check not in set(CheckName):
            raise Http404(f"There is no check {check}.")
        return Effect(
            title=f"Waive: {TITLES[CheckName(check)]}",
            sentences=[PASSES.format("the check", "it says"), "Say in the reason what you looked at instead of it."],
            submit="Waive",
            dangerous=True,
            environment=self.environment,
        )

    def perform(self, values: dict[str, Any]) -> str:
        key, check = self.kwargs["key"], self.kwargs["check"]
        made = readiness.waive(key, check, values["reason"], values["hours"], **self.who())
        return f"{TITLES[CheckName(made.check_name)]}: waived for {dict(HOURS)[values['hours']]}."


class WaiveSeveral(Dialog):
    """Those that hold a run up are chosen already; one reason is kept with each."""

    permission_required = APPROVE
    form_class = SeveralForm

    def get_initial(self) -> dict[str, Any]:
        return {**super().get_initial(), "checks": self.request.GET.getlist("checks")}

    def effect(self) -> Effect:
        return Effect(
            title=f"Waive checks of {self.environment}",
            sentences=[
                PASSES.format("the checks that you choose", "they say"),
                "Say in the reason what you looked at instead of each of them.",
            ],
            submit="Waive them",
            dangerous=True,
            environment=self.environment,
        )

    def perform(self, values: dict[str, Any]) -> str:
        key, hours = self.kwargs["key"], values["hours"]
        made = readiness.waive_all(key, values["checks"], values["reason"], hours, **self.who())
        told = ", ".join(TITLES[CheckName(row.check_name)] for row in made)
        return f"Waived for {dict(HOURS)[hours]}: {told}."


class Withdraw(Dialog):
    permission_required = APPROVE

    @cached_property
    def waiver(self) -> ReadinessWaiver:
        return selectors.waiver(self.kwargs["pk"])

    @property
    def environment(self) -> Environment:
        return self.waiver.environment

    def reason_required(self) -> bool:
        return False

    def effect(self) -> Effect:
        row = self.waiver
        return Effect(
            title=f"End the waiver: {TITLES[CheckName(row.check_name)]}",
            sentences=[f"{row.by} waived it because: {row.reason}", "The check counts again at once."],
            submit="End the waiver",
            environment=row.environment,
        )

    def perform(self, values: dict[str, Any]) -> str:
        row = readiness.withdraw_waiver(self.waiver.pk, values["reason"], **self.who())
        return f"{TITLES[CheckName(row.check_name)]} counts again."
