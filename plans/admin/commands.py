"""Dialogs that steer plans and phases: each names its effect, asks why, and calls one service."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django import forms
from django.http import Http404
from django.urls import reverse
from django.utils import timezone
from unfold.widgets import UnfoldAdminSelectWidget

from core import environments
from core.admin.confirm import ConfirmView, Effect, ReasonForm
from core.admin.read_only import person
from plans import selectors
from plans.models import Checklist, Phase, Plan
from plans.services import phases, plans

if TYPE_CHECKING:
    from core.models import Environment

OPERATE, APPROVE = "plans.operate_plan", "plans.approve_phase"
HOURS = [(1, "1 hour"), (4, "4 hours"), (24, "1 day"), (168, "7 days")]


class StartForm(ReasonForm):
    plan = forms.ChoiceField(label="Plan", widget=UnfoldAdminSelectWidget)
    environment = forms.ChoiceField(label="Environment", widget=UnfoldAdminSelectWidget)

    field_order = ["plan", "environment", "reason"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["plan"].choices = [(row.key, row.name) for row in selectors.templates()]  # type: ignore[attr-defined]
        choices = [(row.key, row.name) for row in environments.ordered().reverse()]
        self.fields["environment"].choices = choices  # type: ignore[attr-defined]


class StartPlan(ConfirmView):
    permission_required = OPERATE
    form_class = StartForm

    def effect(self) -> Effect:
        sentences = [
            "The plan keeps a copy of the playbook's phases and checklists as they are now.",
            "Nothing is switched on: each phase is started by a person, through its gate.",
        ]
        return Effect("Start a plan", sentences, "Start the plan")

    def perform(self, values: dict[str, Any]) -> str:
        who = {"actor": person(self.request), "reason": values["reason"], "now": timezone.now()}
        self.started = plans.start(values["plan"], values["environment"], **who)
        return f"{self.started} has begun."

    def back(self) -> str:
        started = getattr(self, "started", None)
        return page_of(started) if started else reverse("admin:plans_plan_changelist")


class PlanDialog(ConfirmView):
    permission_required = OPERATE
    word, sentence = "", ""

    @property
    def plan(self) -> Plan:
        return selectors.plan(self.kwargs["pk"])

    def effect(self) -> Effect:
        plan = self.plan
        return Effect(
            f"{self.word} {plan.name}",
            [self.sentence],
            self.word,
            dangerous=self.word in ("Abort", "Roll back"),
            environment=plan.environment,
        )

    def version(self) -> int | None:
        return self.plan.version

    def subject(self) -> tuple[str, int | None]:
        return f"plan:{self.kwargs['pk']}", self.plan.environment_id

    def back(self) -> str:
        return page_of(self.plan)

    def perform(self, values: dict[str, Any]) -> str:
        call = getattr(plans, self.word.lower())
        plan = call(self.kwargs["pk"], version=values["version"], **self.who(values))
        return f"{plan.name} is {plan.state}."

    def who(self, values: dict[str, Any]) -> dict[str, Any]:
        return {"actor": person(self.request), "reason": values["reason"], "now": timezone.now()}


class Pause(PlanDialog):
    word = "Pause"
    sentence = "No phase is started or completed until it is resumed. Ramps that run go on: hold those by themselves."


class Resume(PlanDialog):
    word, sentence = "Resume", "Phases can be started and completed again, through their gates."


class Abort(PlanDialog):
    word = "Abort"
    sentence = "It ends here. Flags and ramps stay as they are: roll back its phases first, if they must go."


class RollBack(PlanDialog):
    word = "Roll back"
    sentence = (
        "The features of every phase that has begun go off at once, the newest first, and their ramps are held. "
        "The plan ends. No gate, approval or freeze stops this. The release and migrations stay: ask for a rollback "
        "of those."
    )

    def perform(self, values: dict[str, Any]) -> str:
        plan, ids = plans.roll_back(self.kwargs["pk"], version=values["version"], **self.who(values))
        return f"{plan.name} is rolled back: {len(ids)} features are off."


class Complete(PlanDialog):
    word, sentence = "Complete", "The rollout is over: every phase of it is completed."


class PhaseDialog(ConfirmView):
    permission_required = OPERATE

    @property
    def phase(self) -> Phase:
        return selectors.phase(self.kwargs["pk"])

    def version(self) -> int | None:
        return self.phase.version

    def subject(self) -> tuple[str, int | None]:
        return f"phase:{self.kwargs['pk']}", self.phase.plan.environment_id

    def back(self) -> str:
        return reverse("admin:plans_phase_change", args=[self.kwargs["pk"]])

    def who(self, values: dict[str, Any]) -> dict[str, Any]:
        return {"actor": person(self.request), "reason": values["reason"], "now": timezone.now()}

    def where(self) -> Environment:
        return self.phase.plan.environment


class StartPhase(PhaseDialog):
    def effect(self) -> Effect:
        phase = self.phase
        sentences = ["Its gate is looked at once more when you confirm.", "Nothing is switched on by it."]
        if phase.ramps:
            sentences.append(f"Start its ramps then: {', '.join(phase.ramps)}.")
        return Effect(f"Start {phase.name}", sentences, "Start the phase", environment=self.where())

    def perform(self, values: dict[str, Any]) -> str:
        phase = phases.start(self.phase.pk, version=values["version"], **self.who(values))
        return f"{phase.name} has begun."


class CompletePhase(PhaseDialog):
    def effect(self) -> Effect:
        sentences = ["Its criteria are looked at once more when you confirm. The next phase may start then."]
        return Effect(f"Complete {self.phase.name}", sentences, "Complete the phase", environment=self.where())

    def perform(self, values: dict[str, Any]) -> str:
        phase = phases.complete(self.phase.pk, version=values["version"], **self.who(values))
        return f"{phase.name} is completed."


class ApprovePhase(PhaseDialog):
    permission_required = APPROVE

    def effect(self) -> Effect:
        sentences = [
            "Another person can start it then, when the rest of its gate is met. You cannot start it yourself."
        ]
        return Effect(f"Approve {self.phase.name}", sentences, "Approve", environment=self.where())

    def perform(self, values: dict[str, Any]) -> str:
        phase = phases.approve(self.phase.pk, version=values["version"], **self.who(values))
        return f"{phase.name} is approved."


class RollBackPhase(PhaseDialog):
    def effect(self) -> Effect:
        flags = ", ".join(self.phase.features)
        off = f"Switched off at once, which holds their ramps: {flags}." if flags else "It has no features of its own."
        sentences = [off, "No approval, freeze or gate holds this up. It can be started again, through its gate."]
        title = f"Roll back {self.phase.name}"
        return Effect(title, sentences, "Roll back", dangerous=True, environment=self.where())

    def perform(self, values: dict[str, Any]) -> str:
        ids = phases.roll_back(self.phase.pk, version=values["version"], **self.who(values))
        told = f": {', '.join(ids)}" if ids else "; none of its features was on"
        return f"{self.phase.name} is rolled back{told}."


class WaiveForm(ReasonForm):
    hours = forms.TypedChoiceField(label="For", coerce=int, choices=HOURS, initial=4, widget=UnfoldAdminSelectWidget)

    field_order = ["hours", "reason"]


class Waive(PhaseDialog):
    permission_required = APPROVE
    form_class = WaiveForm

    def effect(self) -> Effect:
        key = self.kwargs["requirement"]
        found = next((each for each in phases.gate_of(self.phase, now=timezone.now()) if each.key == key), None)
        if found is None:
            raise Http404(f"{self.phase.name} has no requirement {key}.")
        sentences = [f"{found.title}: {found.why}", "The phase passes all the same, until the time you choose."]
        return Effect(f"Waive: {found.title}", sentences, "Waive", dangerous=True, environment=self.where())

    def perform(self, values: dict[str, Any]) -> str:
        until = timezone.now() + timedelta(hours=values["hours"])
        phases.waive(self.phase.pk, self.kwargs["requirement"], expires_at=until, **self.who(values))
        return f"Waived for {dict(HOURS)[values['hours']]}."


def page_of(plan: Plan) -> str:
    return reverse("admin:plans_plan_change", args=[plan.pk])


def list_of(checklist: Checklist) -> str:
    return reverse("admin:plans_checklist_change", args=[checklist.pk])
