"""The tabs of a flag's page beside its state."""

from __future__ import annotations

from typing import Any

from django.utils.safestring import mark_safe

from core import beside
from flags.admin.flag_page import FlagScreen
from flags.admin.history import history
from flags.domain import wording
from flags.domain.values import off_by_default, served_by_default, variants_of
from flags.selectors.segments import segments
from flags.services.segments import named


class TargetingTab(FlagScreen):
    """Whom the flag is for here, in words and in the order of decision."""

    template_name = "flags/targeting.html"
    tab = "targeting"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        targeting, variants = self.state.targeting, variants_of(self.state.flag.variants)
        serve = targeting.get("serve", served_by_default(variants))
        off = targeting.get("off", off_by_default(variants))
        used = named(targeting)
        here = segments(self.state.environment.key).filter(key__in=used) if used else ()
        return super().get_context_data(
            needed=[f"It {wording.prerequisite(item)}." for item in targeting.get("prerequisites", ())],
            rules=[(rule["name"], wording.rule(rule, serve=serve, off=off)) for rule in targeting.get("rules", ())],
            serve=wording.served(serve),
            off=off,
            segments=[(segment, wording.conditions(segment.conditions)) for segment in here],
            **kwargs,
        )


class RampTab(FlagScreen):
    """What moves the flag by itself, told by the apps that do."""

    template_name = "flags/ramp.html"
    tab = "ramp"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        key, where = self.state.flag.key, self.state.environment.key
        return super().get_context_data(
            notes=beside.flag_notes()[key, where],
            parts=[mark_safe(part) for part in beside.flag_parts(key, where)],  # noqa: S308 -- rendered by templates
            **kwargs,
        )


class HistoryTab(FlagScreen):
    """What happened to the flag here."""

    template_name = "flags/history.html"
    tab = "history"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**history(self.state), **kwargs)
