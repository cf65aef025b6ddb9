"""What a person fills in to make or change an alert rule."""

from __future__ import annotations

from typing import Any

from crispy_forms.helper import FormHelper
from crispy_forms.layout import Div, Layout
from django import forms
from unfold.widgets import (
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from alerting.domain import durations
from alerting.domain.conditions import to_expr
from alerting.domain.definition import SEVERITIES, Definition
from alerting.models import AlertRule
from core import environments
from core.errors import Invalid
from monitoring import selectors as monitoring

FIELD_OF = {"condition": "expr", "for_seconds": "hold", "keep_firing_seconds": "keep"}


def _line(**attrs: str) -> UnfoldAdminTextInputWidget:
    return UnfoldAdminTextInputWidget(attrs={"autocomplete": "off", **attrs})


class RuleForm(forms.Form):
    """`definition` is what was filled in, checked; None while something is wrong."""

    definition: Definition | None = None

    environment = forms.ChoiceField(label="Environment", widget=UnfoldAdminSelectWidget)
    name = forms.CharField(label="Name", max_length=120, widget=_line(placeholder="ResponseTimeRegression"))
    group = forms.CharField(label="Group", max_length=120, initial="alerts", widget=_line())
    expr = forms.CharField(
        label="Condition",
        max_length=2000,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3, "spellcheck": "false"}),
        help_text="Like avg_response_time > 3s, over the metrics of the catalogue; or PromQL.",
    )
    source = forms.ChoiceField(
        label="Evaluated by",
        required=False,
        widget=UnfoldAdminSelectWidget,
        help_text="A Prometheus evaluates all of PromQL over what it has; this system what it keeps.",
    )
    hold = forms.CharField(label="For", max_length=20, initial="5m", widget=_line(), help_text="90s, 5m, 1h30m, or 0.")
    keep = forms.CharField(
        label="Keep firing for", max_length=20, initial="0s", widget=_line(), help_text="After it ceased to hold."
    )
    severity = forms.ChoiceField(
        label="Severity", choices=[(one, one) for one in SEVERITIES], widget=UnfoldAdminSelectWidget
    )
    summary = forms.CharField(
        label="Summary",
        required=False,
        max_length=2000,
        widget=_line(),
        help_text="What people read. {{ $value }} and {{ $labels.feature }} are filled in.",
    )
    runbook_url = forms.CharField(label="Runbook", required=False, max_length=500, widget=_line(placeholder="https://"))
    labels = forms.CharField(
        label="More labels",
        required=False,
        max_length=2000,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}),
        help_text="One a line, like team=payments.",
    )
    enabled = forms.BooleanField(label="Evaluated", required=False, initial=True, widget=UnfoldBooleanSwitchWidget)
    reason = forms.CharField(
        label="Reason",
        max_length=2000,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}),
        help_text="Kept in the history with your name.",
        error_messages={"required": "Say why: the history tells who did it and for what reason."},
    )
    version = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, changes: AlertRule | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._changes = changes
        choices = [(row.key, row.name) for row in environments.ordered()]
        self.fields["environment"].choices = choices  # type: ignore[attr-defined]
        there = monitoring.sources(changes.environment.key if changes else None).filter(kind="prometheus")
        servers = dict(there.order_by("key").values_list("key", "name"))
        self.fields["source"].choices = [("", "This system"), *servers.items()]  # type: ignore[attr-defined]
        if changes is not None:
            for name in ("environment", "name", "group"):
                del self.fields[name]

    @property
    def helper(self) -> FormHelper:
        helper = FormHelper()
        helper.form_tag = False
        there = [name for name in self.fields if name not in ("hold", "keep")]
        at = there.index("expr") + 1
        pair = Div("hold", "keep", css_class="ops-pair")
        helper.layout = Layout(Div(*there[:at], pair, *there[at:], css_class="flex flex-col gap-5"))
        return helper

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if "expr" in cleaned and "severity" in cleaned:
            try:
                name = self._changes.name if self._changes else cleaned.get("name", "")
                self.definition = Definition.read(name, self._values(cleaned))
            except Invalid as error:
                self.refuse(error)
        return cleaned

    def refuse(self, error: Exception) -> None:
        """Show a refusal at the field it is about."""
        field = getattr(error, "field", None) or ""
        field = FIELD_OF.get(field, "summary" if field == "annotations" else field)
        self.add_error(field if field in self.fields else None, str(error))

    def _values(self, cleaned: dict[str, Any]) -> dict[str, Any]:
        source = cleaned.get("source", "")
        expr, condition = (cleaned["expr"].strip(), "") if source else read_condition(cleaned["expr"])
        annotations = dict(self._changes.annotations) if self._changes else {}
        annotations.pop("summary", None)
        if cleaned.get("summary"):
            annotations["summary"] = cleaned["summary"]
        return {
            "expr": expr,
            "condition": condition,
            "for_seconds": durations.seconds(cleaned.get("hold", "0"), field="for_seconds"),
            "keep_firing_seconds": durations.seconds(cleaned.get("keep", "0"), field="keep_firing_seconds"),
            "severity": cleaned["severity"],
            "labels": _labels(cleaned.get("labels", "")),
            "annotations": annotations,
            "runbook_url": cleaned.get("runbook_url", ""),
            "enabled": cleaned.get("enabled", False),
            "source": source,
        }


def read_condition(text: str) -> tuple[str, str]:
    """The expression, and the condition where that is what was written. Raises Invalid for neither."""
    units = {row.key: row.unit for row in monitoring.catalogue()}
    try:
        return to_expr(text, units), text.strip()
    except Invalid as as_condition:
        if "is not measured in" in str(as_condition) or "it is a count" in str(as_condition):
            raise
        return text.strip(), ""


def _labels(text: str) -> dict[str, str]:
    found = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip():
            name, equals, value = line.partition("=")
            if not equals:
                raise Invalid(f"Line {number} is not like team=payments.", field="labels")
            found[name.strip()] = value.strip()
    return found


def filled(row: AlertRule) -> dict[str, Any]:
    """The form's first values for a rule there is."""
    return {
        "expr": row.condition or row.expr,
        "hold": durations.text(row.for_seconds),
        "keep": durations.text(row.keep_firing_seconds),
        "severity": row.severity,
        "summary": row.annotations.get("summary", ""),
        "runbook_url": row.runbook_url,
        "labels": "\n".join(f"{name}={value}" for name, value in row.labels.items()),
        "enabled": row.enabled,
        "source": row.source,
        "version": row.version,
    }
