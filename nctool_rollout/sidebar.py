"""Unfold's settings: title, colours and the sections of the sidebar, in the order of the design."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any

from django.templatetags.static import static
from django.urls import reverse, reverse_lazy
from django.utils import timezone

if TYPE_CHECKING:
    from django.http import HttpRequest


def _item(title: str, icon: str, url: str, permission: str) -> dict[str, Any]:
    return {
        "title": title,
        "icon": icon,
        "link": reverse_lazy(url),
        "permission": lambda request: request.user.has_perm(permission),
    }


def _in_events(request: HttpRequest) -> bool:
    """What changed lately lies below the list of events, and has an item of its own."""
    recent = reverse("admin:core_event_recent")
    return request.path.startswith(reverse("admin:core_event_changelist")) and request.path != recent


def _in_kpis(request: HttpRequest) -> bool:
    """The delivery metrics lie below the list of KPIs, and have an item of their own."""
    delivery = reverse("admin:kpis_delivery")
    return request.path.startswith(reverse("admin:kpis_kpi_changelist")) and not request.path.startswith(delivery)


PRIMARY = {  # indigo: white text on 600 has a contrast of 6.3
    "50": "oklch(96.2% .018 272.314)",
    "100": "oklch(93% .034 272.788)",
    "200": "oklch(87% .065 274.039)",
    "300": "oklch(78.5% .115 274.713)",
    "400": "oklch(67.3% .182 276.935)",
    "500": "oklch(58.5% .233 277.117)",
    "600": "oklch(51.1% .262 276.966)",
    "700": "oklch(45.7% .24 277.023)",
    "800": "oklch(39.8% .195 277.366)",
    "900": "oklch(35.9% .144 278.697)",
    "950": "oklch(25.7% .09 281.288)",
}

NAVIGATION: list[dict[str, Any]] = [
    {
        "title": "Rollout",
        "items": [
            {"title": "Home", "icon": "home", "link": reverse_lazy("admin:index")},
            _item("Dashboard", "monitoring", "reports:dashboard", "monitoring.view_series"),
            _item("Timeline", "timeline", "reports:timeline", "monitoring.view_series"),
            _item("What changed", "manage_history", "admin:core_event_recent", "core.view_event"),
            _item("Flags", "flag", "admin:flags_flagstate_changelist", "flags.view_flagstate"),
            _item("Segments", "groups", "admin:flags_segment_changelist", "flags.view_segment"),
            _item("Compare", "compare_arrows", "admin:flags_compare", "flags.view_flagstate"),
            _item(
                "Requests",
                "approval_delegation",
                "admin:approvals_changerequest_changelist",
                "approvals.view_changerequest",
            ),
            _item("Plans", "view_kanban", "admin:plans_plan_changelist", "plans.view_plan"),
            _item("Checklists", "checklist", "admin:plans_checklist_changelist", "plans.view_checklist"),
            _item("Rollbacks", "undo", "admin:rollbacks_rollback_changelist", "rollbacks.view_rollback"),
            _item("Ramps", "trending_up", "admin:rollouts_ramp_changelist", "rollouts.view_ramp"),
            _item(
                "Validations", "fact_check", "admin:rollouts_validationrun_changelist", "rollouts.view_validationrun"
            ),
            _item("Freezes", "ac_unit", "admin:core_freeze_changelist", "core.view_freeze"),
            _item("Events", "history", "admin:core_event_changelist", "core.view_event") | {"active": _in_events},
            _item("Seals", "encrypted", "admin:audit_verification_changelist", "audit.view_verification"),
            _item("Legal holds", "gavel", "admin:audit_hold_changelist", "audit.view_hold"),
        ],
    },
    {
        "title": "Monitoring",
        "items": [
            _item("Explorer", "query_stats", "admin:monitoring_explore", "monitoring.view_series"),
            _item("Catalogue", "menu_book", "admin:monitoring_metric_changelist", "monitoring.view_metric"),
            _item("Data sources", "settings_ethernet", "admin:monitoring_source_changelist", "monitoring.view_source"),
            _item("Measurements", "monitoring", "admin:monitoring_series_changelist", "monitoring.view_series"),
            _item(
                "Triggers",
                "notification_important",
                "admin:monitoring_trigger_changelist",
                "monitoring.view_trigger",
            ),
            _item("Risk", "speed", "admin:risk_score_changelist", "risk.view_score"),
            _item("Risk register", "shield", "admin:risk_risk_changelist", "risk.view_risk"),
            _item("Errors", "error", "admin:monitoring_errorepisode_changelist", "monitoring.view_errorepisode"),
            _item(
                "Complaints",
                "sentiment_dissatisfied",
                "admin:monitoring_complaint_changelist",
                "monitoring.view_complaint",
            ),
            _item("Alerts", "notifications_active", "admin:alerting_alert_changelist", "alerting.view_alert"),
            _item("Alert rules", "rule", "admin:alerting_alertrule_changelist", "alerting.view_alertrule"),
            _item("Silences", "notifications_paused", "admin:alerting_silence_changelist", "alerting.view_silence"),
        ],
    },
    {
        "title": "Incidents",
        "items": [
            _item("Incidents", "crisis_alert", "admin:incidents_incident_changelist", "incidents.view_incident"),
            _item("On call", "person_alert", "admin:oncall_schedule_changelist", "oncall.view_schedule"),
            _item("Escalations", "campaign", "admin:oncall_escalation_changelist", "oncall.view_escalation"),
            _item("Escalation chains", "linked_services", "admin:oncall_chain_changelist", "oncall.view_chain"),
        ],
    },
    {
        "title": "Reports",
        "items": [
            _item("Weekly reports", "summarize", "admin:reports_report_changelist", "reports.view_report"),
            _item("KPIs", "flag_check", "admin:kpis_kpi_changelist", "kpis.view_kpi") | {"active": _in_kpis},
            _item("Delivery", "rocket_launch", "admin:kpis_delivery", "kpis.view_kpi"),
            _item("Feedback", "forum", "admin:improvement_feedback_changelist", "improvement.view_feedback"),
            _item("Action items", "task", "admin:improvement_actionitem_changelist", "improvement.view_actionitem"),
            _item("Lessons learned", "school", "admin:improvement_lesson_changelist", "improvement.view_lesson"),
            _item("Roadmap", "signpost", "admin:improvement_nextphase_changelist", "improvement.view_nextphase"),
        ],
    },
    {
        "title": "Communications",
        "items": [
            _item("Announcements", "campaign", "admin:communications_alert_changelist", "communications.view_alert"),
            _item(
                "Communication plan",
                "diversity_3",
                "admin:communications_audience_changelist",
                "communications.view_audience",
            ),
            _item("Channels", "cable", "admin:communications_channel_changelist", "communications.view_channel"),
        ],
    },
    {
        "title": "Status page",
        "items": [
            _item("Components", "widgets", "admin:statuspage_component_changelist", "statuspage.view_component"),
            _item(
                "Public incidents",
                "public",
                "admin:statuspage_publicincident_changelist",
                "statuspage.view_publicincident",
            ),
            _item(
                "Maintenances", "engineering", "admin:statuspage_maintenance_changelist", "statuspage.view_maintenance"
            ),
            _item(
                "Subscriptions",
                "contact_mail",
                "admin:statuspage_subscription_changelist",
                "statuspage.view_subscription",
            ),
        ],
    },
    {
        "title": "nctool database",
        "items": [
            _item(
                "Migrations",
                "database",
                "admin:migrations_app_migrationrun_changelist",
                "migrations_app.view_migrationrun",
            ),
            _item(
                "Readiness",
                "health_and_safety",
                "admin:migrations_app_readinesswaiver_changelist",
                "migrations_app.view_readinesswaiver",
            ),
            _item("Tokens", "toll", "admin:migrations_app_cashutoken_changelist", "migrations_app.view_cashutoken"),
            _item(
                "Wallets",
                "wallet",
                "admin:migrations_app_cashuwallet_changelist",
                "migrations_app.view_cashuwallet",
            ),
        ],
    },
    {
        "title": "Administration",
        "items": [
            _item("Wall screens", "tv", "admin:reports_walllink_changelist", "reports.view_walllink"),
            _item("Environments", "dns", "admin:core_environment_changelist", "core.view_environment"),
            _item("API", "api", "try-api", "flags.view_flagstate"),
            _item("API tokens", "key", "admin:flags_apitoken_changelist", "flags.view_apitoken"),
            _item("People", "group", "admin:core_user_changelist", "core.view_user"),
            _item("Access review", "policy", "admin:audit_review_changelist", "audit.review_access"),
        ],
    },
]


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """The sidebar, with how much waits for this person: one query, for approvers alone.

    Unfolded are the first section, that of the page, and one in which something waits.
    """
    import approvals.selectors
    import rollbacks.selectors
    from core import together
    from migrations_app.selectors import runs_shown

    found = deepcopy(NAVIGATION)
    found[0]["open"] = True
    person, now = request.user.get_username(), timezone.now()
    asked = {
        "Requests": ("approvals.approve_change", approvals.selectors.undecided),
        "Rollbacks": ("rollbacks.confirm_rollback", rollbacks.selectors.undecided),
        "Migrations": ("migrations_app.approve_migration", runs_shown.undecided),
    }
    may = {title: rows for title, (permission, rows) in asked.items() if request.user.has_perm(permission)}
    undecided = together.read(**{title: rows(person, now=now) for title, rows in may.items()})
    for title, contributed in undecided.items():
        if waiting := sum(person not in contributors for contributors in contributed):
            group, item = next((group, item) for group in found for item in group["items"] if item["title"] == title)
            group["open"] = True
            item |= {"badge": str(waiting), "badge_variant": "warning"}
    return found


UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "nctool rollout",
    "SITE_HEADER": "nctool rollout",
    "SITE_SUBHEADER": "Rollout control plane",
    "SITE_SYMBOL": "rocket_launch",
    "SITE_URL": "",
    "SHOW_HISTORY": False,
    "SHOW_VIEW_ON_SITE": False,
    "DASHBOARD_CALLBACK": "reports.views.home.home",
    "STYLES": [lambda request: static("ops/ops.css")],
    "SCRIPTS": [
        lambda request, name=name: static(f"ops/{name}.js")
        for name in ("dialog", "live", "copy", "choose", "focus", "zone")
    ],
    "COLORS": {"primary": PRIMARY},
    "BORDER_RADIUS": "6px",
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": lambda request: static("ops/favicon.svg")}],
    "SIDEBAR": {
        "show_search": False,
        "navigation": navigation,
    },
}
