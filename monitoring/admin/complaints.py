"""Complaints of users: the list, one of them, and the form for support."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RangeDateTimeFilter, RelatedDropdownFilter
from unfold.views import UnfoldModelAdminViewMixin
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

import flags.selectors
from core import beside, environments, moments
from core.admin.plain_form import PlainForm
from core.admin.read_only import ReadOnlyAdmin, Screen, person
from core.admin.refusals import RefusalsView
from core.errors import NotFound
from core.templatetags.screen import NOTHING, badge, environment
from monitoring.domain.complaints import LONGEST_NPUB, LONGEST_TEXT, WINDOW, Category, Said, shortened
from monitoring.models import Complaint
from monitoring.selectors.complaints import complaints, users_by_environment
from monitoring.services import complaints as service

LOOK = {
    Category.FAILED_PAYMENT: ("bad", "money_off"),
    Category.WRONG_BALANCE: ("bad", "account_balance_wallet"),
    Category.SLOW: ("warn", "hourglass_top"),
    Category.UNAVAILABLE: ("bad", "cloud_off"),
    Category.OTHER: ("mute", "chat"),
}
PERMISSION = "monitoring.add_complaint"


def category(row: Complaint) -> SafeString:
    return badge(row.get_category_display(), *LOOK[Category(row.category)])


class ComplaintForm(PlainForm):
    environment = forms.ChoiceField(label="Environment", widget=UnfoldAdminSelectWidget)
    npub = forms.CharField(
        label="npub",
        max_length=LONGEST_NPUB,
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off", "spellcheck": "false"}),
        help_text="Who complains. Several complaints of one user count once.",
    )
    category = forms.ChoiceField(
        label="What it is about",
        choices=[(one.value, one.value.replace("_", " ").capitalize()) for one in Category],
        widget=UnfoldAdminSelectWidget,
    )
    text = forms.CharField(
        label="In the user's words",
        required=False,
        max_length=LONGEST_TEXT,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 4}),
        help_text="Stays in this list: it is neither in the history nor in alerts.",
    )
    flag = forms.ChoiceField(
        label="Feature",
        required=False,
        widget=UnfoldAdminSelectWidget,
        help_text="Where that is known.",
    )
    at = forms.CharField(
        label="When",
        required=False,
        max_length=25,
        widget=UnfoldAdminTextInputWidget(attrs={"type": "datetime-local"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        where = [(row.key, row.name) for row in environments.ordered().reverse()]
        self.fields["environment"].choices = where  # type: ignore[attr-defined]
        known = [(key, key) for key in flags.selectors.flags().values_list("key", flat=True)]
        self.fields["flag"].choices = [("", "Not known"), *known]  # type: ignore[attr-defined]
        zone = timezone.get_current_timezone_name()
        self.fields["at"].help_text = f"When the user complained, in {zone}. Empty: now."

    def clean_at(self) -> datetime | None:
        given = self.cleaned_data["at"]
        if not given:
            return None
        try:
            return timezone.make_aware(datetime.fromisoformat(given).replace(tzinfo=None))
        except ValueError as error:
            raise forms.ValidationError("A day and a time, such as 2026-03-09 14:30.") from error


class AddComplaint(UnfoldModelAdminViewMixin, RefusalsView):
    """What support was told, written down."""

    permission_required = PERMISSION
    form_class = ComplaintForm
    template_name = "monitoring/complaint_form.html"
    title = "Write down a complaint"

    def get_initial(self) -> dict[str, Any]:
        return {"environment": self.request.GET.get("environment", "")}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        back = self.model_admin.list_url()
        return super().get_context_data(crumbs=[("Complaints", back)], back=back, **kwargs)

    def form_valid(self, form: forms.Form) -> HttpResponse:
        values = form.cleaned_data
        said = Said(values["category"], values["npub"], values["text"], values["flag"], values["at"])
        return self.attempt(
            form,
            lambda: service.receive(values["environment"], said, actor=person(self.request), now=timezone.now()),
            lambda received: self._done(received.complaint),
        )

    def _done(self, row: Complaint) -> HttpResponse:
        now = timezone.now()
        users = service.distinct(row.environment_id, (now - WINDOW).timestamp(), now.timestamp() + 1)
        who = "1 user has" if users == 1 else f"{users} users have"
        messages.success(self.request, f"Written down. In {row.environment} {who} complained in the last 10 minutes.")
        return self.leave(self.model_admin.list_url())


class ComplaintPage(Screen):
    permission_required = "monitoring.view_complaint"
    template_name = "monitoring/complaint.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        row = complaints().filter(pk=self.kwargs["pk"]).first()
        if row is None:
            raise Http404(f"There is no complaint {self.kwargs['pk']}.")
        self.title = f"Complaint of {shortened(row.npub)}"
        where = row.environment.key
        flag_url = beside.page_of(f"flag:{row.flag_key}", where) if row.flag_key else ""
        why = f"{reverse('admin:flags_why_npub')}?{urlencode({'npub': row.npub, 'environment': where})}"
        return super().get_context_data(complaint=row, category=category(row), flag_url=flag_url, why=why, **kwargs)


@admin.register(Complaint)
class ComplaintAdmin(ReadOnlyAdmin):
    heading = "Complaints"
    page = ComplaintPage
    list_display = ("what", "whose", "where", "feature", "words", "when")
    list_display_links = None
    list_filter = (
        ("environment", RelatedDropdownFilter),
        ("category", ChoicesDropdownFilter),
        ("at", RangeDateTimeFilter),
    )
    list_filter_submit = True
    list_fullwidth = True
    search_fields = ("npub", "text", "flag_key")
    search_help_text = "npub, words or feature"
    show_full_result_count = False
    ordering = ("-at", "-id")
    list_before_template = "monitoring/complaints_head.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Complaint]:
        return complaints()

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("new/", wrap(AddComplaint.as_view(model_admin=self)), name="monitoring_complaint_new"),
            path("in/<slug:environment>/", wrap(_of_environment), name="monitoring_complaint_in"),
            *super().get_urls(),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        now = timezone.now()
        context = {
            "may_add": request.user.has_perm(PERMISSION),
            "recent": users_by_environment((now - WINDOW).timestamp(), now.timestamp() + 1),
            "now": now,
        }
        shown: HttpResponse = super().changelist_view(request, {**context, **(extra_context or {})})
        return shown

    @admin.display(description="About", ordering="category")
    def what(self, row: Complaint) -> SafeString:
        address = reverse("admin:monitoring_complaint_change", args=[row.pk])
        return format_html('<a href="{}">{}</a>', address, category(row))

    @admin.display(description="npub", ordering="npub")
    def whose(self, row: Complaint) -> SafeString:
        address = reverse("admin:monitoring_complaint_change", args=[row.pk])
        shown = shortened(row.npub)
        return format_html('<a class="ops-link ops-mono" href="{}" title="{}">{}</a>', address, row.npub, shown)

    @admin.display(description="Environment", ordering="environment__position")
    def where(self, row: Complaint) -> SafeString:
        return environment(row.environment)

    @admin.display(description="Feature", ordering="flag_key")
    def feature(self, row: Complaint) -> str:
        return row.flag_key or NOTHING

    @admin.display(description="Words")
    def words(self, row: Complaint) -> SafeString | str:
        if not row.text:
            return NOTHING
        return format_html('<span class="ops-clip" title="{}">{}</span>', row.text[:500], row.text[:140])

    @admin.display(description="When", ordering="at")
    def when(self, row: Complaint) -> SafeString:
        now = timezone.localtime()
        exact, near = moments.clock(row.at, now=now), moments.relative(row.at, now=now)
        return format_html('<time datetime="{}" title="{}">{}</time>', row.at.astimezone(UTC).isoformat(), near, exact)


def _of_environment(request: HttpRequest, environment: str) -> HttpResponse:
    """The complaints of an environment that is known by its key, as events know it."""
    if not request.user.has_perm("monitoring.view_complaint"):
        raise PermissionDenied
    try:
        pk = environments.get(environment).pk
    except NotFound as error:
        raise Http404(str(error)) from error
    return redirect(f"{reverse('admin:monitoring_complaint_changelist')}?environment__id__exact={pk}")


beside.add_page("complaints", lambda key, where: reverse("admin:monitoring_complaint_in", args=[key]))
