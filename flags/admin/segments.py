"""Segments: conditions with a name, shared by the rules of one environment."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import RelatedDropdownFilter

from core import beside, moments
from core.admin.confirm import ConfirmView, Effect
from core.admin.read_only import ReadOnlyAdmin, Screen, person
from core.templatetags.screen import environment
from flags.admin.segment_forms import EditSegment, NewSegment, find
from flags.domain import wording
from flags.models import Segment
from flags.services.segments import delete, users


class SegmentPage(Screen):
    """Who is in it, in words, and which flags use it."""

    permission_required = "flags.view_segment"
    template_name = "flags/segment.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        segment = find(self.kwargs["pk"])
        self.title = segment.name
        return super().get_context_data(
            segment=segment,
            words=[wording.condition(condition) for condition in segment.conditions],
            used=users(segment),
            may_operate=self.request.user.has_perm("flags.operate_flagstate"),
            **kwargs,
        )


class DeleteSegment(ConfirmView):
    permission_required = "flags.operate_flagstate"

    @property
    def segment(self) -> Segment:
        return find(self.kwargs["pk"])

    def effect(self) -> Effect:
        segment = self.segment
        used = [state.flag.key for state in users(segment)]
        what = f"{', '.join(used[:5])} name it: change their rules first." if used else "No flag uses it."
        return Effect(
            f"Delete segment {segment.key}",
            [what, "Its history stays."],
            f"Delete in {segment.environment.name}",
            dangerous=True,
            environment=segment.environment,
        )

    def reason_required(self) -> bool:
        return self.segment.environment.protected

    def version(self) -> int:
        return self.segment.version

    def perform(self, values: dict[str, Any]) -> str:
        segment = self.segment
        how = {"reason": values["reason"], "now": timezone.now(), "version": values["version"]}
        delete(segment.key, segment.environment.key, actor=person(self.request), **how)
        return f"Segment {segment.key} is deleted in {segment.environment.name}."

    def back(self) -> str:
        return reverse("admin:flags_segment_changelist")


@admin.register(Segment)
class SegmentAdmin(ReadOnlyAdmin):
    heading = "Segments"
    page = SegmentPage
    list_before_template = "flags/segment_head.html"
    list_display = ("title", "where", "who", "changed")
    list_display_links = None
    list_filter = (("environment", RelatedDropdownFilter),)
    list_filter_submit = True
    list_select_related = ("environment",)
    search_fields = ("key", "name")
    search_help_text = "Key or name"
    show_full_result_count = False

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("new/", wrap(NewSegment.as_view(model_admin=self)), name="flags_segment_new"),
            path("<int:pk>/edit/", wrap(EditSegment.as_view(model_admin=self)), name="flags_segment_edit"),
            path("<int:pk>/remove/", wrap(DeleteSegment.as_view(model_admin=self)), name="flags_segment_remove"),
            *super().get_urls(),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        may_operate = request.user.has_perm("flags.operate_flagstate")
        shown: HttpResponse = super().changelist_view(request, {"may_operate": may_operate, **(extra_context or {})})
        return shown

    @admin.display(description="Segment", ordering="key")
    def title(self, segment: Segment) -> SafeString:
        return format_html(
            '<span><a class="ops-link" href="{}">{}</a><br><span class="ops-soft ops-small">{}</span></span>',
            reverse("admin:flags_segment_change", args=[segment.pk]),
            segment.key,
            segment.name,
        )

    @admin.display(description="Environment", ordering="environment__position")
    def where(self, segment: Segment) -> SafeString:
        return environment(segment.environment)

    @admin.display(description="Who is in it")
    def who(self, segment: Segment) -> SafeString:
        return format_html('<span class="ops-clip">{}</span>', wording.conditions(segment.conditions))

    @admin.display(description="Changed", ordering="changed_at")
    def changed(self, segment: Segment) -> str:
        return moments.relative(segment.changed_at, now=timezone.localtime())


def _page(key: str, where: str) -> str:
    found = Segment.objects.filter(key=key, environment__key=where).values_list("pk", flat=True).first()
    return reverse("admin:flags_segment_change", args=[found]) if found else ""


beside.add_page("segment", _page)
