"""The environments. The playbook defines them; they are read here."""

from __future__ import annotations

from django.contrib import admin
from django.utils.safestring import SafeString

from core.admin.read_only import ReadOnlyAdmin
from core.models import Environment
from core.templatetags.screen import badge, environment


@admin.register(Environment)
class EnvironmentAdmin(ReadOnlyAdmin):
    heading = "Environments"
    list_display = ("shown", "key", "guarded", "purpose", "database", "features", "monitoring")
    list_display_links = ("key",)
    fields = ("name", "key", "position", "protected", "purpose", "database", "features", "monitoring")
    ordering = ("position",)
    show_full_result_count = False

    @admin.display(description="Environment", ordering="position")
    def shown(self, row: Environment) -> SafeString:
        return environment(row)

    @admin.display(description="Changes", ordering="protected")
    def guarded(self, row: Environment) -> SafeString:
        return badge("ask for a reason", "warn", "lock") if row.protected else badge("free", "mute", "lock_open")
