"""Links to the wall screen: made and shown once, revoked. Administrators only."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanWidget,
)

from core import access, beside, environments, moments
from core.access import LinkAccess
from core.admin.confirm import ConfirmView, Effect
from core.admin.plain_form import PlainForm
from core.admin.read_only import person
from core.admin.shown_once import MakeOnce, RevocableAdmin
from core.templatetags.screen import badge
from reports.models import WallLink
from reports.selectors import walls as selectors
from reports.services import walls

LIST = "admin:reports_walllink_changelist"
MAKE = "reports.make_walllink"


class LinkForm(PlainForm):
    name = forms.CharField(
        label="Name",
        max_length=80,
        widget=UnfoldAdminTextInputWidget(attrs={"autofocus": True, "autocomplete": "off"}),
        help_text="Where the screen hangs, for example Operations room.",
    )
    environments = forms.MultipleChoiceField(label="Environments", widget=UnfoldAdminCheckboxSelectMultipleWidget)
    days = forms.IntegerField(
        label="Days",
        initial=90,
        min_value=1,
        max_value=walls.MOST_DAYS,
        widget=UnfoldAdminIntegerFieldWidget,
        help_text=f"After so many it opens nothing any more; at most {walls.MOST_DAYS}.",
    )
    seconds = forms.IntegerField(
        label="Seconds a page",
        initial=20,
        min_value=walls.SECONDS[0],
        max_value=walls.SECONDS[-1],
        widget=UnfoldAdminIntegerFieldWidget,
        help_text="For how long each page stands.",
    )
    names = forms.BooleanField(
        label="Name the people on call",
        required=False,
        widget=UnfoldBooleanWidget,
        help_text="Without it the screen names nobody. npubs and what people wrote are never shown.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        known = [(row.key, row.name) for row in environments.ordered().reverse()]
        self.fields["environments"].choices = known  # type: ignore[attr-defined]


class MakeLink(MakeOnce):
    permission_required = MAKE
    form_class = LinkForm
    template_name = "reports/wall_create.html"
    shown_template = "reports/wall_shown.html"
    title = "Make a wall screen"
    named = ("name", "environments", "days", "seconds")

    def make(self, values: dict[str, Any], who: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        more = {name: values[name] for name in ("days", "seconds", "names")}
        link, text = walls.create(values["name"], values["environments"], **more, **who)
        address = self.request.build_absolute_uri(reverse("reports:wall", args=[text]))
        return link.name, {"link": link, "address": address}


class RevokeLink(ConfirmView):
    permission_required = MAKE

    def effect(self) -> Effect:
        link = selectors.link(self.kwargs["pk"])
        return Effect(
            title=f"Revoke {link.name}",
            sentences=[
                "Screens that show it go dark with their next page.",
                "It cannot be given back: a new link has to be made.",
            ],
            submit="Revoke the link",
            dangerous=True,
        )

    def perform(self, values: dict[str, Any]) -> str:
        now = timezone.now()
        link = walls.revoke(self.kwargs["pk"], actor=person(self.request), reason=values["reason"], now=now)
        return f"{link.name} is revoked."

    def back(self) -> str:
        return reverse(LIST)


@admin.register(WallLink)
class WallLinkAdmin(RevocableAdmin):
    heading = "Wall screens"
    list_before_template = "reports/wall_head.html"
    fields = ("name", "prefix", "created_at", "created_by", "expires_at", "used_at", "revoked_at", "revoked_by")
    shown = ("title", "shows", "live", "used", "made")
    may_revoke, revoke, revoke_icon = MAKE, "admin:reports_wall_revoke", "tv_off"

    def get_queryset(self, request: HttpRequest) -> Any:
        return selectors.links()

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("make/", wrap(MakeLink.as_view(model_admin=self)), name="reports_wall_make"),
            path("<int:pk>/revoke/", wrap(RevokeLink.as_view(model_admin=self)), name="reports_wall_revoke"),
            *super().get_urls(),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        may_make = request.user.has_perm(MAKE)
        shown: HttpResponse = super().changelist_view(request, {"may_make": may_make, **(extra_context or {})})
        return shown

    @admin.display(description="Shows")
    def shows(self, link: WallLink) -> SafeString:
        places = [(badge(place.name, "info", "dns"),) for place in link.environments.all()]
        names = badge("names on call", "warn", "badge") if link.names else ""
        return format_html("{} {}", format_html_join(" ", "{}", places), names)

    @admin.display(description="State", ordering="expires_at")
    def live(self, link: WallLink) -> SafeString:
        now = timezone.localtime()
        if link.revoked_at is not None:
            shown, told = badge("revoked", "mute", "tv_off"), moments.clock(link.revoked_at, now=now)
        elif link.expires_at <= now:
            shown, told = badge("expired", "mute", "timer_off"), moments.clock(link.expires_at, now=now)
        else:
            shown = badge("live", "ok", "check_circle")
            told = f"expires {moments.relative(link.expires_at, now=now)}"
        return format_html('{}<br><span class="ops-soft ops-small">{}</span>', shown, told)

    @admin.display(description="Last used", ordering="used_at")
    def used(self, link: WallLink) -> str:
        return moments.relative(link.used_at, now=timezone.localtime()) if link.used_at else "never"


def of_review(now: datetime) -> list[LinkAccess]:
    """The live links, for the access review."""
    return [
        LinkAccess(
            subject=f"wall:{link.pk}",
            name=link.name,
            opens=f"a wall screen{' that names the people on call' if link.names else ''}",
            environments=tuple(sorted(place.key for place in link.environments.all())),
            created_at=link.created_at,
            created_by=link.created_by,
            expires_at=link.expires_at,
            used_at=link.used_at,
        )
        for link in selectors.live(now=now)
    ]


access.add_links(of_review)
beside.add_page("wall", lambda key, where: reverse(LIST))
