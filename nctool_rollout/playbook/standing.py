"""What there is now, as the same flat set of items that a playbook wants (wanted.py)."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import alerting.selectors
import communications.selectors
import flags.selectors
import incidents.selectors
import kpis.selectors.registry
import monitoring.selectors
import plans.selectors
import reports.selectors.reports
import risk.selectors
import rollbacks.selectors
import rollouts.selectors
import statuspage.selectors
from alerting.services.rules import definition_of
from communications.selectors.plan import plan as communication_plan
from core import environments, events, freezes, freezing
from flags.selectors import approval_rules
from kpis.services.registry import values_of
from monitoring.services.catalogue import entry_of
from monitoring.services.sources import definition_of as source_definition
from monitoring.services.triggers import rule_of
from nctool_rollout.playbook import improving, oncall
from nctool_rollout.playbook.public import as_items
from nctool_rollout.playbook.telling import document_of_row
from nctool_rollout.playbook.wanted import ENVIRONMENT_FIELDS, FLAG_FIELDS, Item, number
from rollbacks.services.applications import as_dict
from statuspage.services import components

RISK_FIELDS = ("title", "probability", "impact", "mitigations", "owner", "links")
LOADED = "playbook.loaded"


def items() -> dict[Item, Any]:
    """Every item there is."""
    return {
        **_environments(),
        **_flags(),
        **_states(),
        **{("monitoringLevels", key): values for key, values in rollouts.selectors.levels().items()},
        **_ramps(),
        **_triggers(),
        **_sources(),
        **{("incidents", f"level{level}"): values for level, values in incidents.selectors.kept().items()},
        **_applications(),
        **_risks(),
        **_metrics(),
        **{("kpis", row.key): values_of(row) for row in kpis.selectors.registry.rows()},
        **_alerts(),
        **_approvals(),
        **_freezes(),
        **{("channels", row.key): {"name": row.name, "kind": row.kind} for row in communications.selectors.channels()},
        **{("audiences", planned.key): document_of_row(planned) for planned in communication_plan()},
        **oncall.standing(),
        **improving.standing(),
        **{("plans", row.key): row.document for row in plans.selectors.templates()},
        **_status_page(),
        **_report(),
    }


def last_document(name: str) -> dict[str, Any]:
    """What the playbook of this name said of itself when it was last loaded; empty when it never was."""
    loaded = events.about(f"playbook:{name}").filter(kind=LOADED).first()
    return loaded.after if loaded else {}


def newest_document() -> dict[str, Any]:
    """The same of whichever playbook was loaded last."""
    loaded = events.recent().filter(kind=LOADED).first()
    return loaded.after if loaded else {}


def last_set() -> dict[str, str]:
    """What playbooks have set, by the memory of the last load."""
    loaded = events.recent().filter(kind=LOADED).first()
    return dict(loaded.data["set"]) if loaded else {}


def is_empty() -> bool:
    return not environments.ordered().exists() and not flags.selectors.flags().exists()


def hands_off() -> Callable[[Item], str]:
    """Tells of an item why a load may not touch it now: its flag is ramping, or was switched off in an emergency."""
    ramping = {
        (view.ramp.environment.key, view.ramp.flag.key): f"ramp {view.ramp.pk} is {view.ramp.state} here"
        for view in rollouts.selectors.live()
    }
    halted = {
        (state.environment.key, state.flag.key): f"switched off: {state.disabled_reason}"
        for state in flags.selectors.states()
        if state.disabled_at is not None
    }

    def blocked(item: Item) -> str:
        if item[0] != "states":
            return ""
        where = item[1], item[2]
        return ramping.get(where) or (halted.get(where, "") if item[3] == "rollout" else "")

    return blocked


def _environments() -> dict[Item, Any]:
    return {
        ("environments", environment.key, field): getattr(environment, field)
        for environment in environments.ordered()
        for field in ("position", *ENVIRONMENT_FIELDS)
    }


def _flags() -> dict[Item, Any]:
    return {
        ("flags", flag.key, field): getattr(flag, field) for flag in flags.selectors.flags() for field in FLAG_FIELDS
    }


def _states() -> dict[Item, Any]:
    found: dict[Item, Any] = {}
    for state in flags.selectors.states():
        where = ("states", state.environment.key, state.flag.key)
        found[*where, "rollout"] = {"enabled": state.enabled, "percentage": number(state.percentage)}
        listed = flags.selectors.allowed_users(state.pk).values_list("npub", flat=True) if state.allow_count else ()
        found[*where, "allowedUsers"] = sorted(listed)
        for key, value in state.parameters.items():
            found[*where, "parameters", key] = value
    return found


def _ramps() -> dict[Item, Any]:
    return {
        ("ramps", template.key): {
            "name": template.name,
            "flag": template.flag.key,
            "steps": template.steps,
            "hours": template.hours,
        }
        for template in rollouts.selectors.templates()
    }


def _approvals() -> dict[Item, Any]:
    return {
        ("approvals", rule.environment.key, rule.kind): {
            "above": number(rule.above),
            "approvals": rule.approvals,
            "expiresAfterHours": number(Decimal(rule.expires_after) / 3600),
        }
        for rule in approval_rules.rules()
    }


def _triggers() -> dict[Item, Any]:
    return {("triggers", row.environment.key, row.key): rule_of(row) for row in monitoring.selectors.triggers()}


def _sources() -> dict[Item, Any]:
    return {
        ("sources", row.environment.key, row.key): source_definition(row).as_dict()
        for row in monitoring.selectors.sources()
    }


def _applications() -> dict[Item, Any]:
    return {("applications", row.environment.key): as_dict(row) for row in rollbacks.selectors.applications()}


def _risks() -> dict[Item, Any]:
    return {
        ("risks", row.key): {field: getattr(row, field) for field in RISK_FIELDS} for row in risk.selectors.register()
    }


def _status_page() -> dict[Item, Any]:
    page = statuspage.selectors.page()
    rows = [(row.key, components.as_dict(row)) for row in statuspage.selectors.components()]
    return as_items(page.title, page.address, rows) if page else {}


def _report() -> dict[Item, Any]:
    setup = reports.selectors.reports.setup()
    return {("report", "weekly"): setup.as_dict()} if setup else {}


def _metrics() -> dict[Item, Any]:
    return {("metrics", row.key): entry_of(row).as_dict() for row in monitoring.selectors.catalogue()}


def _alerts() -> dict[Item, Any]:
    return {
        ("alerts", row.environment.key, row.group, row.name): definition_of(row).as_dict()
        for row in alerting.selectors.rules()
    }


def _freezes() -> dict[Item, Any]:
    """Those of a playbook that have not been ended; what people planned by hand is theirs."""
    return {("freezes", row.key): freezing.picture(row) for row in freezes.live() if row.key}
