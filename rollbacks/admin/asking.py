"""Ask for a rollback: a form, and beside it exactly what would be done."""

from __future__ import annotations

from typing import Any

from crispy_forms.helper import FormHelper
from crispy_forms.layout import Div, Layout
from django import forms
from django.db.models import Model
from django.urls import reverse
from django.utils import timezone
from unfold.widgets import RADIO_CLASSES, UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget

import flags.selectors
from core import environments
from core.admin.previewed_form import PreviewedForm
from core.admin.read_only import person
from rollbacks import selectors
from rollbacks.admin import words
from rollbacks.admin.commands import ASK
from rollbacks.domain.states import Component
from rollbacks.services import requesting

RADIO = " ".join(RADIO_CLASSES)


class AskForm(forms.Form):
    environment = forms.ChoiceField(label="Environment", widget=UnfoldAdminSelectWidget)
    component = forms.ChoiceField(
        label="What goes back",
        choices=[(one.value, text) for one, text in words.COMPONENTS.items()],
        widget=UnfoldAdminSelectWidget,
    )
    flag = forms.ChoiceField(
        label="Feature", required=False, widget=UnfoldAdminSelectWidget, help_text="Only where one feature goes back."
    )
    reason = forms.CharField(
        label="Reason",
        max_length=2000,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}),
        help_text="Announced with the rollback.",
        error_messages={"required": "Say why: whoever confirms this has to know."},
    )
    evidence = forms.CharField(
        label="Evidence",
        required=False,
        max_length=requesting.MOST_EVIDENCE,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text="What was seen, and where. Triggers and alerts that have fired there are kept with it.",
    )

    revision = forms.IntegerField(required=False, min_value=1)  # shown beside, with the plan that names them

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        where = [(row.key, f"{row.name}, protected" if row.protected else row.name) for row in environments.ordered()]
        keys = flags.selectors.flags().values_list("key", flat=True)
        self.fields["environment"].choices = [("", "Choose an environment"), *where]  # type: ignore[attr-defined]
        self.fields["flag"].choices = [("", "None"), *((key, key) for key in keys)]  # type: ignore[attr-defined]

    @property
    def helper(self) -> FormHelper:
        helper = FormHelper()
        helper.form_tag = False
        shown = [name for name in self.fields if name != "revision"]
        helper.layout = Layout(Div(*shown, css_class="flex flex-col gap-5"))
        return helper

    def refuse(self, error: Exception) -> None:
        field = getattr(error, "field", None)
        self.add_error(field if field in self.fields and field != "revision" else None, str(error))

    def clean(self) -> dict[str, Any]:
        """A revision that was chosen before another component was is no choice any more."""
        cleaned: dict[str, Any] = super().clean() or {}
        if "revision" in self.errors:
            self.add_error(None, "A revision is a number: choose one of those beside the form, or what is proposed.")
        if cleaned.get("component") not in (Component.APPLICATION, Component.ALL):
            cleaned["revision"] = None
        return cleaned


class AskView(PreviewedForm):
    """Ask for a rollback of one environment."""

    permission_required = ASK
    title = "Ask for a rollback"
    form_class = AskForm
    preview_template = "rollbacks/preview.html"
    submit = "Ask for it"

    def get_initial(self) -> dict[str, Any]:
        return {"component": Component.FEATURE.value} | {
            name: self.request.GET[name]
            for name in ("environment", "component", "flag", "reason", "evidence")
            if name in self.request.GET
        }

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        back = reverse("admin:rollbacks_rollback_changelist")
        crumbs = [(getattr(self.model_admin, "heading", ""), back)]
        return super().get_context_data(back=back, crumbs=crumbs, now=timezone.now(), **self._preview(), **kwargs)

    def perform(self, form: Any) -> Model:
        told = {name: form.cleaned_data[name] for name in ("flag", "revision", "reason", "evidence")}
        return requesting.request(
            form.cleaned_data["environment"],
            form.cleaned_data["component"],
            **told,
            actor=person(self.request),
            now=timezone.now(),
        )

    def done(self, row: Any) -> tuple[str, str]:
        page = reverse("admin:rollbacks_rollback_change", args=[row.pk])
        return "Asked for. Nothing changes until another person confirms it.", page

    def _preview(self) -> dict[str, Any]:
        """What a request would plan for what is filled in; or why it would be refused."""
        given = self.request.POST or self.request.GET
        where, component = given.get("environment", ""), given.get("component", "")
        flag = given.get("flag", "") if component == Component.FEATURE else ""
        if not where or (component == Component.FEATURE and not flag):
            return {"planned": None}
        form = AskForm(given)
        form.is_valid()
        revision = form.cleaned_data.get("revision")
        found = requesting.preview(where, component, flag=flag, revision=revision)
        told = {
            "obstacle": found.obstacle,
            "offers": words.offers(found.offers, revision),
            "revision": revision,
            "radio": RADIO,
        }
        planned = found.planned
        if planned is None:
            return {**told, "planned": None}
        return {
            **told,
            "planned": planned,
            "place": environments.get(where),
            "steps": words.planned(planned.plan.as_dict()),
            "tone": words.RISK_TONE[planned.danger.level],
            "estimate": planned.estimate.total_seconds(),
            "lane": selectors.lane(where, person=self.request.user.get_username()),
        }
