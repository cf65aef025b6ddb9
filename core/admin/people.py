"""People and their roles. Administrators only; every change is an event."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import Group
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from core import people
from core.admin.read_only import is_number, person
from core.models import User
from core.templatetags.screen import badge

admin.site.unregister(Group)  # roles are written in code and set by `manage.py setup`


@admin.register(User)
class PersonAdmin(UserAdmin[User], ModelAdmin):
    """Nobody is deleted, because the history names them: an account is switched off instead."""

    heading = "People"
    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("username", "roles", "active", "email", "last_login")
    list_filter = ("groups", "is_active")
    list_per_page = 25
    actions = None
    list_disable_select_all = True
    show_full_result_count = False
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        ("Who", {"fields": ("first_name", "last_name", "email")}),
        ("May do", {"fields": ("is_active", "groups")}),
    )
    add_fieldsets = ((None, {"fields": ("username", "password1", "password2", "groups")}),)
    filter_horizontal = ()

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A superuser is changed by a superuser only: whoever sets its password could become it."""
        if obj is not None and obj.is_superuser and not request.user.is_superuser:
            return False
        return bool(super().has_change_permission(request, obj))

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).prefetch_related("groups")

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        kwargs["widget"] = UnfoldAdminCheckboxSelectMultipleWidget()
        kwargs["help_text"] = "Viewers look; operators and approvers change flags and ramps; administrators also this."
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    @transaction.atomic
    def changeform_view(self, request: HttpRequest, object_id: str | None = None, *args: Any, **kwargs: Any) -> Any:
        request.person_before = people.picture(int(object_id)) if object_id and is_number(object_id) else {}  # type: ignore[attr-defined]
        return super().changeform_view(request, object_id, *args, **kwargs)

    def save_model(self, request: HttpRequest, obj: User, form: forms.Form, change: bool) -> None:  # noqa: FBT001
        obj.is_staff = True  # everybody here works in the admin
        super().save_model(request, obj, form, change)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:  # noqa: FBT001
        super().save_related(request, form, formsets, change)
        before = request.person_before  # type: ignore[attr-defined]
        people.tell_change(form.instance.pk, before, actor=person(request), now=timezone.now())

    @transaction.atomic
    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:  # noqa: A002
        response: HttpResponse = super().user_change_password(request, id, form_url)
        if request.method == "POST" and response.status_code == 302:
            people.tell_password(int(id), actor=person(request), now=timezone.now())
        return response

    @admin.display(description="Roles")
    def roles(self, user: User) -> SafeString | str:
        names = [(badge(group.name, "info", "badge"),) for group in user.groups.all()]
        if user.is_superuser:
            names.append((badge("superuser", "warn", "shield_person"),))
        return format_html_join(" ", "{}", names) or "–"

    @admin.display(description="Account", ordering="is_active")
    def active(self, user: User) -> SafeString:
        return badge("active", "ok", "check_circle") if user.is_active else badge("switched off", "mute", "block")
