"""The post-mortem: read, written with its look beside it, exported, and what somebody does about it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

from crispy_forms.helper import FormHelper
from crispy_forms.layout import Div, Layout
from django import forms
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.utils.safestring import SafeString
from django.views.decorators.http import require_safe
from markdown_it import MarkdownIt
from unfold.widgets import (
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from core import beside, events, people
from core.admin.confirm import ReasonForm
from core.admin.previewed_form import PreviewedForm
from core.admin.read_only import Screen, person
from core.admin.row_command import RowCommand
from core.errors import NotFound
from incidents import selectors
from incidents.admin.commands import OPERATE, IncidentCommand
from incidents.admin.incident_page import find
from incidents.models import FollowUp, Incident, PostMortem
from incidents.selectors import timeline
from incidents.services import post_mortems

VIEW = "incidents.view_incident"
VERSIONS = 20
MARKDOWN = MarkdownIt("js-default")  # escapes HTML, and takes no address but of the web


def rendered(text: str) -> SafeString:
    return SafeString(MARKDOWN.render(text))


def document_of(pk: int) -> tuple[Incident, PostMortem]:
    row = find(pk)
    found = selectors.post_mortem(row)
    if found is None:
        raise Http404(f"Incident {pk} has no post-mortem.")
    return row, found


class PostMortemPage(Screen):
    permission_required = VIEW
    template_name = "incidents/post_mortem.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        row, found = document_of(self.kwargs["pk"])
        self.title = f"Post-mortem: {row.title}"
        context = super().get_context_data(**kwargs)
        context["crumbs"] = [*context["crumbs"], (f"Incident {row.pk}", _page(row.pk))]
        history = events.about(f"incident:{row.pk}").filter(kind__startswith="incident.post_mortem")
        may = self.request.user.has_perm(OPERATE)
        return context | {
            "row": row,
            "document": found,
            "text": rendered(found.text),
            "items": list(selectors.follow_ups(row)),
            "today": timezone.localdate(),
            "may": may,
            "may_write": may and row.closed_at is None,
            "history": history[:VERSIONS],
            "parts": self._parts(row),
        }

    def _parts(self, row: Incident) -> list[str]:
        """What other apps tell: the lessons."""
        flags = [f"flag:{key}" for key in selectors.linked(row, "flag")]
        return beside.subject_parts([f"incident:{row.pk}", *flags], row.environment.key, self.request.user)


class WriteForm(forms.Form):
    text = forms.CharField(
        label="Text",
        strip=False,
        max_length=post_mortems.MOST,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 30, "class": "ops-code-area"}),
        help_text="Markdown. HTML is shown as it is written.",
    )
    version = forms.IntegerField(widget=forms.HiddenInput)

    @property
    def helper(self) -> FormHelper:
        helper = FormHelper()
        helper.form_tag = False
        helper.layout = Layout(Div("text", "version", css_class="flex flex-col gap-5"))
        return helper

    def refuse(self, error: Exception) -> None:
        self.add_error(None, str(error))


class WriteView(PreviewedForm):
    """The look comes by POST: a document is longer than an address may be."""

    permission_required = OPERATE
    form_class = WriteForm
    template_name = "incidents/write.html"
    preview_template = "incidents/look.html"
    submit = "Save"

    @property
    def title(self) -> str:
        return f"Write the post-mortem of incident {self.kwargs['pk']}"

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.headers.get("HX-Request"):
            return self.render_to_response(self.get_context_data(shown=request.POST.get("text", "")))
        return super().post(request, *args, **kwargs)

    def get_initial(self) -> dict[str, Any]:
        _, found = document_of(self.kwargs["pk"])
        return {"text": found.text, "version": found.version}

    def get_context_data(self, *, shown: str | None = None, **kwargs: Any) -> dict[str, Any]:
        row, found = document_of(self.kwargs["pk"])
        back = reverse("admin:incidents_post_mortem", args=[row.pk])
        text = rendered((found.text if shown is None else shown)[: post_mortems.MOST])
        return super().get_context_data(back=back, crumbs=[("Post-mortem", back)], text=text, **kwargs)

    def perform(self, form: Any) -> PostMortem:
        told = form.cleaned_data
        actor, now = person(self.request), timezone.now()
        return post_mortems.write(self.kwargs["pk"], told["text"], version=told["version"], actor=actor, now=now)

    def done(self, row: Any) -> tuple[str, str]:
        return "Saved.", reverse("admin:incidents_post_mortem", args=[self.kwargs["pk"]])


class FollowUpForm(ReasonForm):
    text = forms.CharField(label="What is to be done", max_length=300, widget=UnfoldAdminTextInputWidget)
    owner = forms.ChoiceField(label="Owner", widget=UnfoldAdminSelectWidget)
    due = forms.DateField(label="Until", widget=UnfoldAdminTextInputWidget(attrs={"type": "date"}))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["owner"].choices = [(name, name) for name in people.everybody()]  # type: ignore[attr-defined]


class AddFollowUp(IncidentCommand):
    name, label, icon = "follow_up", "Add an action item", "add_task"
    form_class = FollowUpForm
    takes_reason = False

    def sentences(self) -> Sequence[str]:
        return ["Something that somebody does, so that it does not happen again."]

    def back(self) -> str:
        return reverse("admin:incidents_post_mortem", args=[self.kwargs["pk"]])

    def perform(self, values: dict[str, Any]) -> str:
        told = {name: values[name] for name in ("owner", "due")}
        post_mortems.add_follow_up(self.row.pk, values["text"], **told, **self.who())
        return "Added."


class FinishFollowUp(RowCommand):
    """Of the action item of the address."""

    name, label, icon = "finish", "Done", "check"
    permission_required = OPERATE
    takes_reason = False

    @cached_property
    def item(self) -> FollowUp:
        found = FollowUp.objects.filter(pk=self.kwargs["pk"]).select_related("incident__environment").first()
        if found is None:
            raise NotFound(f"There is no action item {self.kwargs['pk']}.")
        return found

    @property
    def row(self) -> Incident:
        return self.item.incident

    def sentences(self) -> Sequence[str]:
        return [self.item.text]

    def back(self) -> str:
        return reverse("admin:incidents_post_mortem", args=[self.item.incident_id])

    def perform(self, values: dict[str, Any]) -> str:
        post_mortems.finish_follow_up(self.item.pk, **self.who())
        return "Done."


@require_safe
def download(request: HttpRequest, pk: int) -> HttpResponse:
    """The document with its action items as a file of Markdown."""
    if not request.user.has_perm(VIEW):
        return HttpResponse(status=403)
    row, _ = document_of(pk)
    response = HttpResponse(timeline.document(row), content_type="text/markdown; charset=utf-8")
    name = content_disposition_header(as_attachment=True, filename=f"incident-{row.pk}.md")
    response["Content-Disposition"] = name or "attachment"
    return response


def _page(pk: int) -> str:
    return reverse("admin:incidents_incident_change", args=[pk])
