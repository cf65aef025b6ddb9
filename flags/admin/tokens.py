"""API tokens: made and shown once, revoked. Administrators only."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import RelatedDropdownFilter
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget, UnfoldBooleanWidget

import flags.selectors
from core import beside, environments, moments
from core.admin.confirm import ConfirmView, Effect
from core.admin.plain_form import PlainForm
from core.admin.read_only import person
from core.admin.shown_once import MakeOnce, RevocableAdmin
from core.errors import NotFound
from core.templatetags.screen import badge, environment
from flags.models import ApiToken
from flags.services import tokens
from flags.services.tokens import Scope

OPENS = {
    Scope.EVALUATE: "Ask which flags are on, by OFREP",
    Scope.SNAPSHOT: "Read all flags with their lists of npubs: for client libraries that decide by themselves",
    Scope.REPORT: "Report metrics",
    Scope.OPERATE: "Change flags and ramps: give it to machines you trust as much as an operator",
    Scope.CALENDAR: "Subscribe to the calendar of freezes and planned steps: nothing else, since it is in an address",
}


class TokenForm(PlainForm):
    name = forms.CharField(
        label="Name",
        max_length=80,
        widget=UnfoldAdminTextInputWidget(attrs={"autofocus": True, "autocomplete": "off"}),
        help_text="Who uses it, for example nctool melt service. It is shown in the history of what the token does.",
    )
    environment = forms.ChoiceField(label="Environment", widget=UnfoldAdminSelectWidget)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["environment"].choices = [(row.key, row.name) for row in environments.ordered()]  # type: ignore[attr-defined]
        for scope, opens in OPENS.items():
            self.fields[scope.value] = forms.BooleanField(
                label=scope.value, required=False, help_text=opens, widget=UnfoldBooleanWidget
            )


class CreateToken(MakeOnce):
    permission_required = "flags.add_apitoken"
    form_class = TokenForm
    template_name = "flags/token_create.html"
    shown_template = "flags/token_shown.html"
    title = "Create an API token"
    named = ("name",)

    def make(self, values: dict[str, Any], who: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        scopes = [scope.value for scope in Scope if values[scope.value]]
        token, text = tokens.create(values["name"], values["environment"], scopes, **who)
        shown = {"token": token, "text": text, "subscribe": self._subscription(token, text)}
        return f"Token {token.name}", shown

    def _subscription(self, token: ApiToken, text: str) -> str:
        """The address to subscribe to, of a token for the calendar."""
        if token.scopes != [Scope.CALENDAR.value]:
            return ""
        return f"{self.request.build_absolute_uri(reverse('api-v1:calendar'))}?token={text}"


class RevokeToken(ConfirmView):
    permission_required = "flags.change_apitoken"

    @property
    def token(self) -> ApiToken:
        found = flags.selectors.tokens().filter(pk=self.kwargs["pk"]).first()
        if found is None:
            raise NotFound("There is no such token.")
        return found

    def effect(self) -> Effect:
        token = self.token
        return Effect(
            title=f"Revoke token {token.name}",
            sentences=[
                f"Whoever uses {token.prefix}… is refused from now on, in every process.",
                "It cannot be given back: a new token has to be made.",
            ],
            submit="Revoke the token",
            dangerous=True,
            environment=token.environment,
        )

    def get_form(self, form_class: Any = None) -> forms.Form:
        form = super().get_form(form_class)
        del form.fields["reason"]  # the event names who revoked it; the service takes no reason
        return form

    def perform(self, values: dict[str, Any]) -> str:
        token = tokens.revoke(self.kwargs["pk"], actor=person(self.request), now=timezone.now())
        return f"{token.name} ({token.prefix}…) is revoked."

    def back(self) -> str:
        return reverse("admin:flags_apitoken_changelist")


@admin.register(ApiToken)
class ApiTokenAdmin(RevocableAdmin):
    heading = "API tokens"
    list_filter = (("environment", RelatedDropdownFilter),)
    list_filter_submit = True
    list_select_related = ("environment",)
    list_before_template = "flags/token_head.html"
    fields = ("name", "environment", "scopes", "prefix", "created_at", "created_by", "revoked_at")
    shown = ("title", "where", "opens", "live", "made")
    may_revoke, revoke, revoke_icon = "flags.change_apitoken", "admin:flags_token_revoke", "key_off"

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("create/", wrap(CreateToken.as_view(model_admin=self)), name="flags_token_create"),
            path("<int:pk>/revoke/", wrap(RevokeToken.as_view(model_admin=self)), name="flags_token_revoke"),
            *super().get_urls(),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        may_create = request.user.has_perm("flags.add_apitoken")
        shown: HttpResponse = super().changelist_view(request, {"may_create": may_create, **(extra_context or {})})
        return shown

    @admin.display(description="Environment", ordering="environment__position")
    def where(self, token: ApiToken) -> SafeString:
        return environment(token.environment)

    @admin.display(description="Opens")
    def opens(self, token: ApiToken) -> SafeString:
        return format_html_join(" ", "{}", [(badge(scope, "info", "key"),) for scope in token.scopes])

    @admin.display(description="State", ordering="revoked_at")
    def live(self, token: ApiToken) -> SafeString:
        if token.revoked_at is None:
            return badge("live", "ok", "check_circle")
        now = timezone.localtime()
        return format_html(
            '{}<br><span class="ops-soft ops-small">{}</span>',
            badge("revoked", "mute", "key_off"),
            moments.clock(token.revoked_at, now=now),
        )


beside.add_page("token", lambda key, where: reverse("admin:flags_apitoken_changelist"))
