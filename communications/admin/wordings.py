"""The words of an audience, with what they make of a real event beside them."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from crispy_forms.helper import FormHelper
from crispy_forms.layout import Div, Layout
from django import forms
from django.http import Http404
from django.urls import reverse
from django.utils import timezone
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

import communications.selectors
from communications.domain import languages
from communications.domain.alerts import AlertType
from communications.domain.audiences import PUBLIC, Content
from communications.domain.channels import ChannelKind
from communications.domain.message import HEADLINES
from communications.domain.wording import INTERNAL, Words
from communications.domain.wording import PUBLIC as PUBLIC_VALUES
from communications.models import Audience, Wording
from communications.selectors.plan import Planned
from communications.services import wordings, writing
from communications.services.wordings import Case, Templates
from core.admin.confirm import ConfirmView, Effect
from core.admin.previewed_form import PreviewedForm
from core.admin.read_only import Screen, is_number, person
from core.errors import DomainError

CHANGE = "communications.plan_communication"
LIST = "admin:communications_audience_changelist"
WORST = 3  # level of an incident: all of them are heard of
CODE = {"spellcheck": "false", "class": "ops-code-area"}


def _audience(key: str) -> Audience:
    row = Audience.objects.filter(key=key).first()
    if row is None:
        raise Http404(f"There is no audience {key}.")
    return row


class WordingScreen(Screen):
    permission_required = "communications.view_audience"
    template_name = "communications/wordings.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        row = _audience(self.kwargs["key"])
        self.title = f"Words for {row.name}"
        return super().get_context_data(
            audience=row,
            wordings=list(row.wordings.all()),
            default=languages.default(Content(row.content), row.language),
            may_change=self.request.user.has_perm(CHANGE),
            **kwargs,
        )


class WordingForm(forms.Form):
    type = forms.ChoiceField(label="For", required=False, widget=UnfoldAdminSelectWidget)
    channel_kind = forms.ChoiceField(label="By", required=False, widget=UnfoldAdminSelectWidget)
    language = forms.ChoiceField(
        label="Language", choices=[("en", "English"), ("de", "German")], widget=UnfoldAdminSelectWidget
    )
    subject = forms.CharField(label="Subject", max_length=300, widget=UnfoldAdminTextInputWidget(attrs=dict(CODE)))
    text = forms.CharField(
        label="Text", max_length=20_000, widget=UnfoldAdminTextareaWidget(attrs={"rows": 10, **CODE})
    )
    html = forms.CharField(
        label="HTML (mail)",
        max_length=20_000,
        required=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 6, **CODE}),
        help_text="Empty: the text is all there is. Values are escaped.",
    )
    reason = forms.CharField(
        label="Why",
        max_length=2000,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}),
        help_text="Kept in the history with your name.",
    )
    version = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        types = [("", "All announcements"), *((one.value, HEADLINES[one].capitalize()) for one in AlertType)]
        self.fields["type"].choices = types  # type: ignore[attr-defined]
        kinds = [("", "All channels"), *((one.value, one.value) for one in ChannelKind)]
        self.fields["channel_kind"].choices = kinds  # type: ignore[attr-defined]
        for name in ("subject", "text", "html"):
            self.fields[name].strip = False  # type: ignore[attr-defined]

    @property
    def helper(self) -> FormHelper:
        helper = FormHelper()
        helper.form_tag = False
        helper.layout = Layout(
            Div(
                Div("type", "channel_kind", css_class="ops-pair"),
                *("language", "subject", "text", "html", "reason", "version"),
                css_class="flex flex-col gap-5",
            )
        )
        return helper

    def refuse(self, error: Exception) -> None:
        field = getattr(error, "field", None)
        self.add_error(field if field in self.fields else None, str(error))


class WordingPage(PreviewedForm):
    """The preview is what the newest event of the type becomes, or why it cannot."""

    permission_required = CHANGE
    submit = "Save the words"
    form_class = WordingForm
    preview_template = "communications/wording_preview.html"

    @cached_property
    def audience(self) -> Audience:
        return _audience(self.kwargs["key"])

    @property
    def title(self) -> str:
        return f"Own words for {self.audience.name}"

    def get_initial(self) -> dict[str, Any]:
        of = self.request.GET.get("of", "")
        found = self.audience.wordings.filter(pk=of).first() if is_number(of) else None
        if found is None:
            default = languages.default(Content(self.audience.content), self.audience.language)
            return {
                "language": self.audience.language,
                "subject": default.subject,
                "text": default.text,
                "html": default.html,
            }
        names = ("type", "channel_kind", "language", "subject", "text", "html", "version")
        return {name: getattr(found, name) for name in names}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        asked = self.request.POST or (self.request.GET if "text" in self.request.GET else self.get_initial())
        back = reverse("admin:communications_wordings", args=[self.audience.key])
        return super().get_context_data(
            now=timezone.now(),
            values=sorted(PUBLIC_VALUES if Content(self.audience.content) in PUBLIC else INTERNAL),
            crumbs=[(f"Words for {self.audience.name}", back)],
            back=back,
            **self._preview(asked),
            **kwargs,
        )

    def _preview(self, asked: Any) -> dict[str, Any]:
        words = Words(asked.get("subject", ""), asked.get("text", ""), asked.get("html", ""))
        try:
            wordings.check(Content(self.audience.content), Templates(words.subject, words.text, words.html))
        except DomainError as error:
            return {"flaw": str(error)}
        planned = Planned(self.audience, [], [])
        heard = [type_.value for type_ in AlertType if planned.hears(type_, WORST)]
        wanted = [type_.value for type_ in AlertType if type_.value == asked.get("type")] or heard
        alert = communications.selectors.alerts().filter(type__in=wanted).first()
        if alert is None:
            return {}
        kind = next((each for each in ChannelKind if each.value == asked.get("channel_kind")), ChannelKind.EMAIL)
        return {"alert": alert, "written": writing.read(alert, planned, kind, words)}

    def perform(self, form: WordingForm) -> Wording:
        values = form.cleaned_data
        return wordings.define(
            self.audience.key,
            Case(values["channel_kind"], values["type"], values["language"]),
            Templates(values["subject"], values["text"], values["html"]),
            actor=person(self.request),
            reason=values["reason"],
            now=timezone.now(),
            version=values["version"],
        )

    def done(self, row: Wording) -> tuple[str, str]:
        return "These words are used from now on.", reverse("admin:communications_wordings", args=[self.audience.key])


class RemoveWording(ConfirmView):
    permission_required = CHANGE

    @cached_property
    def row(self) -> Wording:
        found = Wording.objects.select_related("audience").filter(pk=self.kwargs["pk"]).first()
        if found is None:
            raise Http404("These words are not there any more.")
        return found

    def effect(self) -> Effect:
        return Effect(
            title=f"Remove the words for {self.row}",
            sentences=["The next more general wording is used, in the end the default one."],
            submit="Remove",
            dangerous=True,
        )

    def perform(self, values: dict[str, Any]) -> str:
        self.back()
        wordings.remove(self.kwargs["pk"], actor=person(self.request), reason=values["reason"], now=timezone.now())
        return "The words are removed."

    def back(self) -> str:
        return reverse("admin:communications_wordings", args=[self.row.audience.key])
