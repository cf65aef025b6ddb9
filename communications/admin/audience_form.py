"""What a person fills in to make or change an audience."""

from __future__ import annotations

import zoneinfo
from typing import Any

from crispy_forms.helper import FormHelper
from crispy_forms.layout import Div, Layout
from django import forms
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from communications.domain.alerts import Topic
from communications.domain.audiences import Content, Frequency
from communications.models import Audience
from communications.services.audiences import AudienceSpec, Way

TOPICS = {
    Topic.EMERGENCY: "A flag is switched off in an emergency, or rolled back",
    Topic.ROLLBACK: "Rollbacks: asked for, stopped, done",
    Topic.RAMP: "Steps of a ramp",
    Topic.ALERT: "Alerts, triggers and missing measurements",
    Topic.RISK: "The risk rises",
    Topic.MIGRATION: "Migrations of the database",
    Topic.WORK: "Checklists or action items are overdue",
    Topic.INCIDENT: "Incidents",
    Topic.PAGE: "Somebody is called",
    Topic.STATUS: "Status page and maintenance",
    Topic.AUDIT: "The event log: heads to keep, every day, and when it was tampered with",
    Topic.REPORT: "Weekly reports",
    Topic.KPI: "KPIs that miss their target, and that reach it again",
}
FREQUENCIES = {
    Frequency.REAL_TIME: "Real-time",
    Frequency.HOURLY: "Hourly during deployment",
    Frequency.AS_NEEDED: "As needed (a person approves)",
    Frequency.MAJOR: "For major issues",
}
CONTENTS = {
    Content.TECHNICAL: "Technical details, metrics, actions",
    Content.OPERATIONS: "System status, required actions",
    Content.BUSINESS: "High-level status, business impact",
    Content.SERVICE: "Service status, for people outside",
    Content.INTEGRATION: "Integration impact, for people outside",
}
FIELD_OF = {"quiet": "quiet_from"}


def _select(choices: dict[Any, str], **attributes: str) -> Any:
    return forms.ChoiceField(
        choices=[(one.value, text) for one, text in choices.items()],
        widget=UnfoldAdminSelectWidget,
        **attributes,  # type: ignore[arg-type]
    )


class AudienceForm(forms.Form):
    key = forms.RegexField(
        r"^[A-Za-z][A-Za-z0-9-]{0,39}$",
        label="Key",
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"}),
        help_text="How a playbook and an incident call it, for example supportTeam. It stays.",
        error_messages={"invalid": "Begin with a letter; letters, digits and hyphens, up to 40."},
    )
    name = forms.CharField(label="Name", max_length=80, widget=UnfoldAdminTextInputWidget)
    content = _select(CONTENTS, label="Reads")
    frequency = _select(FREQUENCIES, label="How often")
    topics = forms.MultipleChoiceField(
        label="Hears of",
        required=False,
        choices=[(topic.value, text) for topic, text in TOPICS.items()],
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
    )
    ways = forms.CharField(
        label="By",
        required=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 4, "spellcheck": "false", "class": "ops-code-area"}),
        help_text="One a line: a channel, and whom it hands to. "
        "slack #ops-alerts · email ada@example.org · email role:approver · in-app role:operator",
    )
    least_level = forms.IntegerField(
        label="Incidents from level", min_value=1, max_value=3, widget=UnfoldAdminIntegerFieldWidget
    )
    burst = forms.IntegerField(
        label="Messages a minute",
        min_value=0,
        max_value=1000,
        widget=UnfoldAdminIntegerFieldWidget,
        help_text="What comes beyond is told as one. 0: no limit.",
    )
    quiet_from = forms.CharField(
        label="Quiet from", required=False, widget=UnfoldAdminTextInputWidget(attrs={"type": "time"})
    )
    quiet_until = forms.CharField(
        label="Quiet until",
        required=False,
        widget=UnfoldAdminTextInputWidget(attrs={"type": "time"}),
        help_text="Never for incidents of level 3, what is critical, and calls.",
    )
    zone = forms.ChoiceField(label="Time zone", required=False, widget=UnfoldAdminSelectWidget)
    language = forms.ChoiceField(
        label="Language of its own wordings",
        choices=[("en", "English"), ("de", "German")],
        widget=UnfoldAdminSelectWidget,
    )
    reason = forms.CharField(
        label="Why",
        max_length=2000,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}),
        help_text="Kept in the history with your name.",
    )
    version = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, changes: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if changes:
            self.fields["key"].disabled = True
        zones = [("", "Of the installation"), *((zone, zone) for zone in sorted(zoneinfo.available_timezones()))]
        self.fields["zone"].choices = zones  # type: ignore[attr-defined]

    @property
    def helper(self) -> FormHelper:
        helper = FormHelper()
        helper.form_tag = False
        pairs = (
            ("content", "frequency"),
            ("least_level", "burst"),
            ("quiet_from", "quiet_until"),
            ("zone", "language"),
        )
        first, second, third, fourth = (Div(*pair, css_class="ops-pair") for pair in pairs)
        helper.layout = Layout(
            Div(
                *("key", "name", first, "topics", "ways", second, third, fourth, "reason", "version"),
                css_class="flex flex-col gap-5",
            )
        )
        return helper

    def spec(self, *, position: int, promise: str) -> AudienceSpec:
        """What was filled in. Call it on a valid form."""
        values = self.cleaned_data
        quiet = (values["quiet_from"], values["quiet_until"])
        return AudienceSpec(
            key=values["key"],
            name=values["name"],
            content=Content(values["content"]),
            frequency=Frequency(values["frequency"]),
            topics=values["topics"],
            ways=read_ways(values["ways"]),
            promise=promise,
            least_level=values["least_level"],
            zone=values["zone"],
            quiet=quiet if any(quiet) else None,
            burst=values["burst"],
            language=values["language"],
            position=position,
        )

    def refuse(self, error: Exception) -> None:
        """Show a refusal at the field it is about."""
        field = getattr(error, "field", None) or ""
        field = FIELD_OF.get(field, field)
        self.add_error(field if field in self.fields else None, str(error))


def read_ways(text: str) -> list[Way]:
    """Lines such as `slack #ops-alerts`; empty ones are left out."""
    parts = [line.split(None, 1) for line in text.splitlines() if line.strip()]
    return [Way(part[0], part[1].strip() if len(part) > 1 else "") for part in parts]


def filled(row: Audience) -> dict[str, Any]:
    """The form's first values for an audience there is."""
    ways = [f"{route.channel.key} {route.target}".strip() for route in row.routes.select_related("channel")]
    names = ("key", "name", "content", "frequency", "topics", "least_level", "burst", "quiet_from", "quiet_until")
    return {
        **{name: getattr(row, name) for name in (*names, "zone", "language", "version")},
        "ways": "\n".join(ways),
    }


BLANK = {
    "content": Content.OPERATIONS.value,
    "frequency": Frequency.REAL_TIME.value,
    "least_level": 1,
    "burst": 5,
    "language": "en",
}
