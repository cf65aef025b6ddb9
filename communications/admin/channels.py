"""Channels: how they are, how they are set up, and whether they work."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone

import communications.selectors
from communications.adapters.configured import FROM
from communications.admin.channel_commands import LIST, RemoveChannel, SendTest, SetSecret, Switch, find
from communications.admin.channel_form import ChannelForm
from communications.domain.channels import ChannelKind
from communications.domain.setups import SETUPS, Setup
from communications.models import Channel
from communications.services import channels
from communications.services.channels import ChannelSpec, is_set_up
from core.admin.previewed_form import PreviewedForm
from core.admin.read_only import ReadOnlyAdmin, Screen, person
from core.templatetags.screen import badge

INSIDE = (ChannelKind.IN_APP, ChannelKind.STATUS_PAGE)  # nothing leaves the house, so there is nothing to try


def health(row: Channel) -> Any:
    """Off, not set up, failing, or working."""
    if not row.enabled:
        return badge("off", "mute", "toggle_off")
    if not is_set_up(row):
        return badge("not set up", "warn", "key_off")
    if row.failures:
        return badge(f"failing ({row.failures})", "bad", "error")
    return badge("works", "ok", "check_circle") if row.ok_at else badge("not used yet", "mute", "schedule")


class ChannelsScreen(Screen):
    permission_required = "communications.view_channel"
    template_name = "communications/channels.html"
    live_template = "communications/channels_live.html"
    title = "Channels"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        user = self.request.user
        rows = communications.selectors.channels().prefetch_related("routes__audience")
        return super().get_context_data(
            rows=[(row, SETUPS[ChannelKind(row.kind)], health(row), self._commands(row)) for row in rows],
            may_change=user.has_perm("communications.change_channel"),
            **kwargs,
        )

    def _commands(self, row: Channel) -> list[tuple[str, str, str]]:
        """What this person may do with it: address name, label, icon."""
        kind, found = ChannelKind(row.kind), []
        may = self.request.user.has_perm
        if may("communications.test_channel") and kind not in INSIDE and is_set_up(row):
            found.append(("communications_channel_test", "Send a test", "send"))
        if may("communications.change_channel_secret") and SETUPS[kind].secret and not row.settings.get(FROM):
            found.append(("communications_channel_secret", "Set the secret", "key"))
        if may("communications.change_channel"):
            found.append(("communications_channel_switch", "Switch off" if row.enabled else "Switch on", "toggle_on"))
            found.append(("communications_channel_remove", "Remove", "delete"))
        return found


class AddChannel(PreviewedForm):
    """First the kind is chosen, by its address; the preview says what it needs."""

    permission_required = "communications.change_channel"
    title = "New channel"
    submit = "Make the channel"
    form_class = ChannelForm
    preview_template = "communications/channel_preview.html"

    @cached_property
    def kind(self) -> ChannelKind:
        asked = self.request.POST.get("kind") or self.request.GET.get("kind") or ChannelKind.WEBHOOK.value
        return ChannelKind(asked) if asked in list(ChannelKind) else ChannelKind.WEBHOOK

    def get_initial(self) -> dict[str, Any]:
        return {"kind": self.kind.value}

    def form_options(self) -> dict[str, Any]:
        return {"kind": self.kind}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        setup: Setup = SETUPS[self.kind]
        return super().get_context_data(
            now=timezone.now(),
            setup=setup,
            kinds=[(kind.value, each.title, kind is self.kind) for kind, each in SETUPS.items()],
            crumbs=[("Channels", reverse(LIST))],
            back=reverse(LIST),
            **kwargs,
        )

    def perform(self, form: ChannelForm) -> Channel:
        values = form.cleaned_data
        spec = ChannelSpec(values["key"], values["name"], ChannelKind(values["kind"]), form.given(), self.secret_from())
        return channels.define(
            spec,
            actor=person(self.request),
            reason=values["reason"],
            now=timezone.now(),
            version=values["version"],
            enabled=self.enabled(),
        )

    def secret_from(self) -> str:
        return ""

    def enabled(self) -> bool | None:
        """One that needs no secret works at once; another is switched on when it has one."""
        setup = SETUPS[self.kind]
        return not setup.secret or setup.optional

    def done(self, row: Channel) -> tuple[str, str]:
        wanted = "" if is_set_up(row) else f" Now set its {SETUPS[ChannelKind(row.kind)].secret.lower()}."
        return f"{row} is kept.{wanted}", reverse(LIST)


class ChangeChannel(AddChannel):
    submit = "Save"

    @cached_property
    def row(self) -> Channel:
        return find(self.kwargs["key"])

    @property
    def title(self) -> str:  # type: ignore[override]
        return self.row.name

    @cached_property
    def kind(self) -> ChannelKind:
        return ChannelKind(self.row.kind)

    def get_initial(self) -> dict[str, Any]:
        row = self.row
        return {**row.settings, "key": row.key, "name": row.name, "kind": row.kind, "version": row.version}

    def form_options(self) -> dict[str, Any]:
        return {"kind": self.kind, "changes": True}

    def secret_from(self) -> str:
        return str(self.row.settings.get(FROM, ""))

    def enabled(self) -> bool | None:
        return None


@admin.register(Channel)
class ChannelAdmin(ReadOnlyAdmin):
    heading = "Channels"

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        return ChannelsScreen.as_view(model_admin=self)(request)

    def get_urls(self) -> list[URLPattern]:
        pages: Sequence[tuple[str, str, Any]] = (
            ("channel/add/", "communications_channel_add_form", AddChannel),
            ("channel/<str:key>/", "communications_channel_edit", ChangeChannel),
            ("channel/<str:key>/secret/", "communications_channel_secret", SetSecret),
            ("channel/<str:key>/switch/", "communications_channel_switch", Switch),
            ("channel/<str:key>/test/", "communications_channel_test", SendTest),
            ("channel/<str:key>/remove/", "communications_channel_remove", RemoveChannel),
        )
        own = [
            path(where, self.admin_site.admin_view(view.as_view(model_admin=self)), name=name)
            for where, name, view in pages
        ]
        return [*own, *super().get_urls()]
