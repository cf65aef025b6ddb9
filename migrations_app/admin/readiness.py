"""Whether an environment's database is ready for a migration, waivers of approvers, and backups."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.functional import cached_property

from core import beside, environments
from core.admin.confirm import Effect
from core.admin.read_only import ReadOnlyAdmin, Screen, is_number
from core.errors import DomainError, NotFound
from core.templatetags.screen import badge
from migrations_app.adapters import backup_command, target
from migrations_app.admin.waiving import APPROVE, Dialog, Waive, WaiveSeveral, Withdraw, page_of
from migrations_app.domain.amounts import size
from migrations_app.domain.backup import SET_COMMAND, UNDER_WAY, BackupState
from migrations_app.domain.readiness import Check, Readiness
from migrations_app.domain.readiness_checks import Standing
from migrations_app.models import Backup, ReadinessWaiver
from migrations_app.selectors import readiness as selectors
from migrations_app.services import backups, readiness

if TYPE_CHECKING:
    from django.utils.safestring import SafeString

    from core.models import Environment

VIEW = "migrations_app.view_readinesswaiver"
REQUEST = "migrations_app.request_migration"
LOOK = {
    Standing.OK: ("ok", "ok", "check_circle"),
    Standing.RED: ("not ok", "bad", "error"),
    Standing.UNKNOWN: ("cannot be shown", "warn", "help"),
    Standing.WAIVED: ("waived", "info", "verified_user"),
}
BACKUP_LOOK = {
    BackupState.WAITING: ("waiting", "mute", "schedule"),
    BackupState.RUNNING: ("running", "info", "sync"),
    BackupState.MADE: ("made", "ok", "check_circle"),
    BackupState.FAILED: ("failed", "bad", "error"),
    BackupState.LOST: ("lost", "warn", "link_off"),
}
OUTPUT = 4_000  # characters of the end of it


class ReadinessScreen(Screen):
    """The page is there at once: what asks the database comes into it by itself (`Measured`)."""

    permission_required = VIEW
    template_name = "migrations_app/readiness.html"
    live_template = "migrations_app/readiness_backups.html"

    @cached_property
    def environment(self) -> Environment:
        try:
            return environments.get(self.kwargs["key"])
        except NotFound as error:
            raise Http404(str(error)) from error

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        where, user = self.environment, self.request.user
        self.title = f"Readiness of {where}"
        rows = list(selectors.backups(where.pk))
        return super().get_context_data(
            environment_row=where,
            tabs=[(one, target.is_set_up(one.key), page_of(one.key)) for one in environments.ordered().reverse()],
            measured_url=reverse("admin:migrations_app_readiness_measured", args=[where.key]),
            backups=[(row, badge(*BACKUP_LOOK[BackupState(row.state)]), _size(row), _end(row.output)) for row in rows],
            under_way=any(BackupState(row.state) in UNDER_WAY for row in rows),
            has_command=backup_command.is_set_up(where.key),
            set_command=SET_COMMAND,
            may_request=user.has_perm(REQUEST),
            may_approve=user.has_perm(APPROVE),
            **kwargs,
        )


class Measured(ReadinessScreen):
    """The checks, measured now: a part of the page, or the whole of it for who runs no scripts."""

    live_template = "migrations_app/readiness_measured.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        found, refusal = None, ""
        try:
            found = readiness.look(self.environment.key, now=timezone.now())
        except DomainError as error:
            refusal = str(error)
        red = [check.name.value for check in found.blocking if check.may_be_waived] if found else []
        return super().get_context_data(
            readiness=found,
            refusal=refusal,
            is_measured=True,
            checks=_rows(found) if found else [],
            waive_several_url=_several_url(self.environment.key, red) if len(red) > 1 else "",
            **kwargs,
        )


class MakeBackup(Dialog):
    permission_required = REQUEST

    def effect(self) -> Effect:
        return Effect(
            title=f"Make a backup of {self.environment}",
            sentences=[
                "The command of this environment runs where the worker of migrations runs, for up to 6 hours.",
                "It reads the whole database: expect load on it. Nothing is changed.",
            ],
            submit="Make a backup",
            environment=self.environment,
        )

    def perform(self, values: dict[str, Any]) -> str:
        backups.request(self.kwargs["key"], reason=values["reason"], **self.who())
        return f"The backup of {self.environment} begins within seconds."


class Tested(Dialog):
    permission_required = REQUEST

    @cached_property
    def backup(self) -> Backup:
        return selectors.backup(self.kwargs["pk"])

    @property
    def environment(self) -> Environment:
        return self.backup.environment

    def get_form(self, form_class: Any = None) -> forms.Form:
        form = super().get_form(form_class)
        form.fields["reason"].label = "Where it was restored, and what was looked at"
        return form

    def effect(self) -> Effect:
        return Effect(
            title="The restore was tested",
            sentences=[
                f"You restored backup {self.backup.pk} somewhere else, and what had to be in it is there.",
                "Migrations of this environment count on it from now on.",
            ],
            submit="It was tested",
            environment=self.environment,
        )

    def perform(self, values: dict[str, Any]) -> str:
        row = backups.tested(self.backup.pk, values["reason"], **self.who())
        return f"The restore of backup {row.pk} is recorded as tested."


@admin.register(ReadinessWaiver)
class ReadinessAdmin(ReadOnlyAdmin):
    heading = "Readiness"

    def get_urls(self) -> list[URLPattern]:
        pages: list[tuple[str, type[Any], str]] = [
            ("in/<slug:key>/", ReadinessScreen, "in"),
            ("in/<slug:key>/measured/", Measured, "measured"),
            ("in/<slug:key>/waive/", WaiveSeveral, "waive_several"),
            ("in/<slug:key>/waive/<str:check>/", Waive, "waive"),
            ("in/<slug:key>/backup/", MakeBackup, "backup"),
            ("waiver/<int:pk>/withdraw/", Withdraw, "withdraw"),
            ("backup/<int:pk>/tested/", Tested, "tested"),
        ]
        wrap = self.admin_site.admin_view
        own = [
            path(where, wrap(view.as_view(model_admin=self)), name=f"migrations_app_readiness_{name}")
            for where, view, name in pages
        ]
        return [*own, *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The environment that matters most of those that have a database: the last on the way up."""
        if not request.user.has_perm(VIEW):
            raise PermissionDenied
        known = list(environments.ordered())
        set_up = [one for one in known if target.is_set_up(one.key)] or known
        return redirect(page_of(set_up[-1].key) if set_up else "admin:index")

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> HttpResponse:
        if not request.user.has_perm(VIEW):
            raise PermissionDenied
        try:
            row = selectors.waiver(int(object_id) if is_number(object_id) else 0)
        except NotFound as error:
            raise Http404(str(error)) from error
        return redirect(page_of(row.environment.key))


def _rows(found: Readiness) -> list[tuple[Check, SafeString, str, str]]:
    """Each check with its badge, and the addresses at which it is waived and its waiver ended."""
    rows = []
    for check in found.checks:
        waive = withdraw = ""
        if check.may_be_waived:
            waive = reverse("admin:migrations_app_readiness_waive", args=[found.environment, check.name])
        if check.waiver is not None:
            withdraw = reverse("admin:migrations_app_readiness_withdraw", args=[check.waiver.id])
        rows.append((check, badge(*LOOK[check.standing]), waive, withdraw))
    return rows


def _several_url(key: str, checks: list[str]) -> str:
    address = reverse("admin:migrations_app_readiness_waive_several", args=[key])
    return f"{address}?{urlencode({'checks': checks}, doseq=True)}"


def _size(row: Backup) -> str:
    return "" if row.size is None else size(row.size)


def _end(output: str) -> str:
    return output if len(output) <= OUTPUT else f"…{output[-OUTPUT:]}"


def _page(key: str, where: str) -> str:
    return page_of(key)


beside.add_page("readiness", _page)
beside.add_page("backup", _page)
