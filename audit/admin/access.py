"""The access review: who may do what where, when they last did, and an administrator's word for it."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone

from audit import selectors
from audit.models import Review
from audit.selectors import access
from audit.services import reviewing
from core import beside, exporting
from core.admin.confirm import ConfirmView, Effect, ReasonForm
from core.admin.read_only import ReadOnlyAdmin, Screen, person

REVIEW = "audit.review_access"
REVIEWS = 10


class AccessPage(Screen):
    permission_required = REVIEW
    template_name = "audit/access.html"
    title = "Access review"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        now = timezone.now()
        found = access.now_is(now=now)
        people, tokens = found.dormant(now)
        reviews = list(selectors.reviews()[:REVIEWS])
        return super().get_context_data(
            now=now,
            access=found,
            links=[(each, beside.page_of(each.subject)) for each in found.links],
            dormant_people=people,
            dormant_tokens=tokens,
            dormant=len(people) + len(tokens),
            dormant_days=access.DORMANT.days,
            active=sum(1 for each in found.people if each.active),
            reviews=reviews,
            due=not reviews or now.date() >= reviews[0].due_on,
            changed=bool(reviews) and reviews[0].digest != found.digest,
            **kwargs,
        )


class SignForm(ReasonForm):
    """`digest` is of what the page showed."""

    digest = forms.CharField(widget=forms.HiddenInput)


class SignOff(ConfirmView):
    permission_required = REVIEW
    form_class = SignForm

    def effect(self) -> Effect:
        return Effect(
            title="Sign off the access review",
            sentences=["You have looked at everybody, every token, link and secret on the page, and answer for them."],
            submit="Sign it off",
        )

    def get_initial(self) -> dict[str, Any]:
        return {**super().get_initial(), "digest": self.request.GET.get("digest", "")}

    def get_form(self, form_class: Any = None) -> forms.Form:
        form = super().get_form(form_class)
        form.fields["reason"].label = "Note"
        form.fields["reason"].help_text = "What you looked at, and what you had changed. Kept with your name."
        form.fields["reason"].error_messages["required"] = "Write what you looked at, and what you had changed."
        return form

    def perform(self, values: dict[str, Any]) -> str:
        row = reviewing.sign_off(
            values["digest"], note=values["reason"], actor=person(self.request), now=timezone.now()
        )
        return f"The review is signed off; the next one is due on {row.due_on.day} {row.due_on:%B %Y}."

    def back(self) -> str:
        return reverse("admin:audit_review_changelist")


@admin.register(Review)
class ReviewAdmin(ReadOnlyAdmin):
    """Its list is the page; single reviews are rows of it."""

    heading = "Access review"

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm(REVIEW)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(REVIEW)

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        sign = wrap(SignOff.as_view(model_admin=self))
        return [
            path("", wrap(AccessPage.as_view(model_admin=self)), name="audit_review_changelist"),
            path("sign/", sign, name="audit_review_sign"),
            path("access.csv", wrap(self.csv_view), name="audit_review_csv"),
        ]

    def csv_view(self, request: HttpRequest) -> HttpResponse | StreamingHttpResponse:
        """The page as a table, one line for each person and thing they may do."""
        if not request.user.has_perm(REVIEW):
            raise PermissionDenied
        now = timezone.now()
        lines = exporting.table(access.COLUMNS, access.rows(access.now_is(now=now), now=now))
        response = StreamingHttpResponse(lines, content_type=exporting.MEDIA_TYPES[exporting.Form.CSV])
        response["Content-Disposition"] = f'attachment; filename="access-{now:%Y-%m-%d}.csv"'
        return response
