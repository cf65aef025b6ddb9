"""Alert rules: the list, one rule with its alerts, the form with what it would have done, and removing one."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RelatedDropdownFilter

from alerting import selectors
from alerting.admin import words
from alerting.admin.rule_form import RuleForm, filled
from alerting.domain import durations
from alerting.models import AlertRule
from alerting.services import computing, past, rules
from core import beside
from core.admin.confirm import ConfirmView, Effect
from core.admin.previewed_form import PreviewedForm
from core.admin.read_only import ReadOnlyAdmin, Screen, person
from core.errors import DomainError, NotFound
from core.templatetags.screen import environment
from monitoring import selectors as monitoring

PERMISSION = "alerting.define_alertrule"
BACK = timedelta(days=7)
SHOWN = 10


def find(pk: int) -> AlertRule:
    try:
        return selectors.rule(pk)
    except NotFound as error:
        raise Http404(str(error)) from error


class RulePage(Screen):
    permission_required = "alerting.view_alertrule"
    template_name = "ops/base.html"
    live_template = "alerting/rule_live.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        rule = find(self.kwargs["pk"])
        self.title = rule.name
        return super().get_context_data(
            rule=rule,
            severity=words.severity(rule.severity),
            health=words.health(rule),
            source=monitoring.sources(rule.environment.key).filter(key=rule.source).first() if rule.source else None,
            hold=durations.text(rule.for_seconds),
            keep=durations.text(rule.keep_firing_seconds),
            labels=words.labels(rule.labels),
            rows=[
                (alert, words.standing(alert), words.labels(alert.labels))
                for alert in selectors.alerts().filter(rule=rule)[:SHOWN]
            ],
            may_define=self.request.user.has_perm(PERMISSION),
            **kwargs,
        )


class NewRule(PreviewedForm):
    """The preview is what the condition says now, and when it would have fired in the last week."""

    permission_required = PERMISSION
    title = "New alert rule"
    submit = "Make the rule"
    form_class = RuleForm
    preview_template = "alerting/rule_preview.html"

    def where(self, form: RuleForm) -> str:
        return str(form.cleaned_data.get("environment", ""))

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        asked = self.form_class(self.request.POST or self.request.GET or None, **self.form_options())
        if not asked.is_bound:
            asked = self.form_class(self.get_initial() | {"hold": "5m", "keep": "0s"}, **self.form_options())
        asked.is_valid()
        told = [text for name in ("expr", "hold", "keep") for text in asked.errors.get(name, [])]
        preview = self._preview(asked) if asked.definition and not told else {}
        return super().get_context_data(
            now=timezone.now(),
            flaws=told if self.request.headers.get("HX-Request") else [],
            crumbs=[("Alert rules", reverse("admin:alerting_alertrule_changelist"))],
            back=self.back(),
            **preview,
            **kwargs,
        )

    def _preview(self, asked: RuleForm) -> dict[str, Any]:
        """What the expression is now, and when it would have fired in the last week."""
        definition, now = asked.definition, timezone.now()
        assert definition is not None  # noqa: S101 - the caller looked
        try:
            present = computing.instant(self.where(asked), definition, now=now)
            was = past.would_have(self.where(asked), definition, since=now - BACK, now=now)
        except DomainError as error:
            return {"trouble": str(error)}
        rows = [(words.labels(one.labels), one.since, one.until, one.value) for one in reversed(was.firings)]
        return {
            "expr": definition.expr,
            "present": [(words.labels(one.labels), one.value) for one in present[:SHOWN]],
            "times": len(rows),
            "rows": rows[:SHOWN],
            "looks": was.looks,
            "step": was.step,
        }

    def back(self) -> str:
        return reverse("admin:alerting_alertrule_changelist")

    def done(self, row: AlertRule) -> tuple[str, str]:
        said = f"{row.name} is evaluated every 15 seconds as shown."
        return said, reverse("admin:alerting_alertrule_change", args=[row.pk])

    def perform(self, form: RuleForm) -> AlertRule:
        """Call the service."""
        given = form.cleaned_data
        return self.define(form, given["environment"], given["group"], given["name"], version=None)

    def define(self, form: RuleForm, environment: str, group: str, name: str, *, version: int | None) -> AlertRule:
        assert form.definition is not None  # noqa: S101 - a valid form has one
        return rules.define(
            environment,
            group,
            name,
            form.definition.as_dict(),
            actor=person(self.request),
            reason=form.cleaned_data["reason"],
            now=timezone.now(),
            version=version,
        )


class ChangeRule(NewRule):
    """The same form for a rule there is."""

    submit = "Change the rule"

    @cached_property
    def rule(self) -> AlertRule:
        return find(self.kwargs["pk"])

    @property
    def title(self) -> str:  # type: ignore[override]
        return f"Change {self.rule.name}"

    def where(self, form: RuleForm) -> str:
        return self.rule.environment.key

    def get_initial(self) -> dict[str, Any]:
        return filled(self.rule)

    def form_options(self) -> dict[str, Any]:
        return {"changes": self.rule}

    def back(self) -> str:
        return reverse("admin:alerting_alertrule_change", args=[self.kwargs["pk"]])

    def perform(self, form: RuleForm) -> AlertRule:
        rule = self.rule
        version = form.cleaned_data["version"]
        return self.define(form, rule.environment.key, rule.group, rule.name, version=version)


class RemoveRule(ConfirmView):
    permission_required = PERMISSION

    def effect(self) -> Effect:
        rule = find(self.kwargs["pk"])
        sentences = ["It is not evaluated any more. What fires by it is resolved; the history stays."]
        return Effect(f"Remove {rule.name}", sentences, "Remove", dangerous=True, environment=rule.environment)

    def perform(self, values: dict[str, Any]) -> str:
        rule = find(self.kwargs["pk"])
        rules.remove(rule.pk, reason=values["reason"], actor=person(self.request), now=timezone.now())
        return f"{rule.name} is removed."

    def back(self) -> str:
        return reverse("admin:alerting_alertrule_changelist")


@admin.register(AlertRule)
class RuleAdmin(ReadOnlyAdmin):
    heading = "Alert rules"
    page = RulePage
    list_display = ("what", "where", "how_bad", "holds", "judged", "fires")
    list_display_links = None
    list_filter = (
        ("environment", RelatedDropdownFilter),
        ("health", ChoicesDropdownFilter),
    )
    list_filter_submit = True
    list_fullwidth = True
    search_fields = ("name", "group", "expr")
    search_help_text = "Name, group or expression"
    show_full_result_count = False
    list_before_template = "alerting/rules_head.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[AlertRule]:
        return selectors.rules()

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        views: dict[str, tuple[str, Any]] = {
            "add": ("add/", NewRule),
            "edit": ("<int:pk>/edit/", ChangeRule),
            "remove": ("<int:pk>/remove/", RemoveRule),
        }
        own = [
            path(where, wrap(view.as_view(model_admin=self)), name=f"alerting_alertrule_{name}")
            for name, (where, view) in views.items()
        ]
        return [*own, *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        extra = {"may_define": request.user.has_perm(PERMISSION), **(extra_context or {})}
        response: HttpResponse = super().changelist_view(request, extra)
        return response

    @admin.display(description="Rule", ordering="name")
    def what(self, row: AlertRule) -> SafeString:
        address = reverse("admin:alerting_alertrule_change", args=[row.pk])
        return format_html(
            '<a class="ops-link ops-strong" href="{}">{}</a><br><code class="ops-mono">{}</code>',
            address,
            row.name,
            row.condition or row.expr,
        )

    @admin.display(description="Environment", ordering="environment__position")
    def where(self, row: AlertRule) -> SafeString:
        return environment(row.environment)

    @admin.display(description="Severity", ordering="severity")
    def how_bad(self, row: AlertRule) -> SafeString:
        return words.severity(row.severity)

    @admin.display(description="For", ordering="for_seconds")
    def holds(self, row: AlertRule) -> str:
        return durations.text(row.for_seconds)

    @admin.display(description="Evaluation", ordering="health")
    def judged(self, row: AlertRule) -> SafeString:
        return format_html("{} {}", words.health(row), words.when(row.evaluated_at) if row.enabled else "")

    @admin.display(description="Alerts")
    def fires(self, row: Any) -> str:
        told = [f"{row.firing} firing" if row.firing else "", f"{row.pending} pending" if row.pending else ""]
        return ", ".join(text for text in told if text) or "none"


def _page_of(key: str, where: str) -> str:
    return f"{reverse('admin:alerting_alertrule_changelist')}?q={key.partition('/')[2]}"


beside.add_page("alert_rule", _page_of)
beside.add_page(
    "alert_rules", lambda key, where: f"{reverse('admin:alerting_alertrule_changelist')}?health__exact=error"
)
