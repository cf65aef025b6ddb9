"""The environments. The playbook defines them; they are read here."""

from __future__ import annotations

from django.contrib import admin
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from core import beside
from core.admin.read_only import ReadOnlyAdmin
from core.models import Environment
from core.templatetags.screen import badge, environment


@admin.register(Environment)
class EnvironmentAdmin(ReadOnlyAdmin):
    heading = "Environments"
    list_display = ("shown", "key", "guarded", "purpose", "database", "features", "monitoring")
    list_display_links = ("key",)
    fields = (
        "name",
        "key",
        "position",
        "protected",
        "approvals",
        "clocks",
        "purpose",
        "database",
        "features",
        "monitoring",
    )
    readonly_fields = ("approvals", "clocks")
    ordering = ("position",)
    show_full_result_count = False

    @admin.display(description="Environment", ordering="position")
    def shown(self, row: Environment) -> SafeString:
        return environment(row)

    @admin.display(description="Needs approval")
    def approvals(self, row: Environment) -> SafeString | str:
        """What only other people may let happen here; the playbook defines it."""
        found = beside.environment_rules(row.pk)
        if not found:
            return "Nothing. Rules for approvals come from the playbook."
        return format_html(
            '<ul class="ops-bullets">{}</ul>', format_html_join("", "<li>{}</li>", [(s,) for s in found])
        )

    @admin.display(description="Time zone")
    def clocks(self, row: Environment) -> str:
        """When its people are at work is told by it."""
        return row.zone or f"{timezone.get_default_timezone_name()}, that of the installation"

    @admin.display(description="Changes", ordering="protected")
    def guarded(self, row: Environment) -> SafeString:
        return badge("ask for a reason", "warn", "lock") if row.protected else badge("free", "mute", "lock_open")
