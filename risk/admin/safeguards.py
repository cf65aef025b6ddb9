"""What keeps the risks of the register small, as it stands now."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from django.urls import reverse

import alerting.selectors
import monitoring.selectors
from core import beside
from core.beside import Safeguard
from risk.domain.register import LINKS

NOUNS = {"trigger": "Trigger", "alert": "Alert", "ramp": "Ramp", "checklist": "Checklist"}
Known = Mapping[str, Mapping[str, Sequence[Safeguard]]]  # by kind and key: one for each place


def known() -> Known:
    """Every safeguard there is. A fixed number of queries."""
    found: dict[str, dict[str, list[Safeguard]]] = {kind: defaultdict(list) for kind in LINKS}
    for kind, all_of_it in {"trigger": _triggers(), "alert": _alerts(), **beside.safeguards()}.items():
        for one in all_of_it:
            found[kind][one.key].append(one)
    return found


def of(links: Sequence[Mapping[str, str]], known: Known) -> list[tuple[str, str, Sequence[Safeguard]]]:
    """Each link of a risk: noun, key and how it stands; nowhere, where there is no such thing any more."""
    return [(NOUNS[link["kind"]], link["key"], known[link["kind"]].get(link["key"], ())) for link in links]


def _triggers() -> list[Safeguard]:
    return [
        Safeguard(
            key=row.key,
            name=row.name,
            standing=_standing(row.state, enabled=row.enabled, observe=row.observe),
            tone="bad" if row.state == "latched" else "ok" if row.enabled and not row.observe else "mute",
            icon="lock" if row.state == "latched" else "shield",
            url=reverse("admin:monitoring_trigger_change", args=[row.pk]),
            where=str(row.environment),
        )
        for row in monitoring.selectors.triggers()
    ]


def _standing(state: str, *, enabled: bool, observe: bool) -> str:
    if not enabled:
        return "not enabled"
    return "observes" if observe and state != "latched" else state


def _alerts() -> list[Safeguard]:
    return [_alert(row) for row in alerting.selectors.rules()]


def _alert(row: Any) -> Safeguard:
    """Of a rule with how many of its alerts pend and fire."""
    return Safeguard(
        key=row.name,
        name=row.name,
        standing="firing" if row.firing else "pending" if row.pending else "quiet",
        tone="bad" if row.firing else "warn" if row.pending else "ok",
        icon="notifications_active" if row.firing else "notifications",
        url=beside.page_of(f"alert_rule:{row.name}", row.environment.key),
        where=str(row.environment),
    )
