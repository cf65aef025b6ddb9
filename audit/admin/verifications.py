"""Verifications of the event log: what was read, what was found, and the heads as they were."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from audit import selectors
from audit.admin import parts, words
from audit.models import Verification
from audit.services import verifying
from core import moments
from core.admin.confirm import ConfirmView, Effect
from core.admin.read_only import ReadOnlyAdmin, Screen, person
from core.templatetags.screen import NOTHING, number

VERIFY = "audit.verify_seal"


class VerificationPage(Screen):
    permission_required = "audit.view_verification"
    template_name = "ops/base.html"
    live_template = "audit/verification_live.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        row = selectors.verifications().filter(pk=self.kwargs["pk"]).first()
        if row is None:
            raise Http404(f"There is no verification {self.kwargs['pk']}.")
        self.title = f"Verification {row.pk}"
        findings = [{**each, "name": words.finding(each["wrong"])} for each in row.findings]
        return super().get_context_data(
            row=row, verdict=words.state(row.state), findings=findings, more=row.wrong - len(findings), **kwargs
        )


class VerifyNow(ConfirmView):
    """Asks for one; a worker does it."""

    permission_required = VERIFY

    def effect(self) -> Effect:
        return Effect(
            title="Verify the event log",
            sentences=[
                "A worker reads every event and every seal and names what is not as it was sealed.",
                "Nothing is changed. On a large log it takes minutes; the page of the verification says how far it is.",
            ],
            submit="Verify now",
        )

    def get_form(self, form_class: Any = None) -> Any:
        form = super().get_form(form_class)
        del form.fields["reason"]
        return form

    def perform(self, values: dict[str, Any]) -> str:
        verifying.ask(actor=person(self.request), now=timezone.now())
        return "It is asked for: the result will be here."

    def back(self) -> str:
        return reverse("admin:audit_verification_changelist")


@admin.register(Verification)
class VerificationAdmin(ReadOnlyAdmin):
    heading = "Seals of the event log"
    page = VerificationPage
    list_display = ("what", "standing", "read", "found", "who")
    list_display_links = None
    list_before_template = "audit/verifications_head.html"
    change_list_template = "ops/list.html"
    list_fullwidth = True
    show_full_result_count = False
    empty = ("Nothing was verified yet", "It is verified once a day by the clock, and when you ask for it.")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Verification]:
        return selectors.verifications().defer("findings", "heads")

    def get_urls(self) -> list[URLPattern]:
        verify = self.admin_site.admin_view(VerifyNow.as_view(model_admin=self))
        return [path("now/", verify, name="audit_verify"), *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        context = {
            "title": self.heading,
            "heads": selectors.heads(),
            "may_verify": request.user.has_perm(VERIFY),
            **parts.state(timezone.now()),
            **(extra_context or {}),
        }
        listed: HttpResponse = super().changelist_view(request, context)
        return listed

    @admin.display(description="Verified")
    def what(self, row: Verification) -> SafeString:
        now, at = timezone.localtime(), row.finished_at or row.asked_at
        return format_html(
            '<a class="ops-link" href="{}">{}</a>',
            reverse("admin:audit_verification_change", args=[row.pk]),
            f"{moments.relative(at, now=now)} ({moments.clock(at, now=now)})",
        )

    @admin.display(description="Result")
    def standing(self, row: Verification) -> SafeString:
        return words.state(row.state)

    @admin.display(description="Read")
    def read(self, row: Verification) -> str:
        return f"{row.seals:,} seals"

    @admin.display(description="Findings")
    def found(self, row: Verification) -> SafeString | str:
        return number(row.wrong) if row.finished_at else NOTHING

    @admin.display(description="Asked for by")
    def who(self, row: Verification) -> str:
        return row.asked_by
