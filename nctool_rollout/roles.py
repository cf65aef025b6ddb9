"""Who may do what: four groups, written here and set by `manage.py setup`.

No role is a superuser: that would pass every check of a permission, also those of rules still to be written.
An administrator looks after people and tokens, and may operate: whoever hands out roles could take this one anyway.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from django.contrib.auth.models import Group, Permission
from django.db import transaction

APPS = (
    "core",
    "flags",
    "monitoring",
    "migrations_app",
    "alerting",
    "risk",
    "rollouts",
    "approvals",
    "plans",
    "rollbacks",
    "oncall",
    "statuspage",
    "incidents",
    "communications",
    "audit",
    "improvement",
    "kpis",
    "reports",
)
OPERATE = frozenset(
    {
        "flags.operate_flagstate",
        "rollouts.operate_ramp",
        "rollouts.run_validation",
        "monitoring.rearm_trigger",
        "monitoring.ask_source",
        "monitoring.add_complaint",
        "monitoring.resolve_errorepisode",
        "alerting.acknowledge_alert",
        "risk.register_risk",
        "communications.retry_announcement",
        "communications.approve_announcement",
        "communications.test_channel",
        "approvals.request_change",
        "plans.operate_plan",
        "plans.tick_item",
        "plans.run_command",
        "rollbacks.request_rollback",
        "migrations_app.request_migration",
        "statuspage.operate_component",
        "statuspage.plan_maintenance",
        "incidents.operate_incident",
        "oncall.operate_escalation",
        "oncall.take_shift",
        "reports.make_report",
        "kpis.report_figure",
        "improvement.give_feedback",
        "improvement.triage_feedback",
        "improvement.work_on_actionitem",
        "improvement.write_lesson",
        "improvement.open_survey",
        "audit.verify_seal",
    }
)
APPROVE = frozenset(
    {
        "approvals.approve_change",
        "plans.approve_phase",
        "rollbacks.confirm_rollback",
        "core.plan_freeze",
        "core.override_freeze",
        "monitoring.define_trigger",
        "alerting.define_alertrule",
        "migrations_app.approve_migration",
        "communications.plan_communication",
        "communications.change_channel",
        "incidents.lower_level",
        "oncall.change_schedule",
        "oncall.change_chain",
        "reports.release_report",
        "improvement.plan_nextphase",
    }
)
ADMINISTER = frozenset(
    {"core.view_user", "core.add_user", "core.change_user"}
    | {"flags.view_apitoken", "flags.add_apitoken", "flags.change_apitoken"}
    | {"communications.change_channel_secret"}
    | {"statuspage.manage_subscription"}
    | {"reports.view_walllink", "reports.make_walllink"}
    | {"audit.manage_hold", "audit.review_access"}
)


class Role(StrEnum):
    VIEWER = "viewer"
    OPERATOR = "operator"
    APPROVER = "approver"
    ADMINISTRATOR = "administrator"


EXTRA = {
    Role.VIEWER: frozenset({"improvement.give_feedback"}),
    Role.OPERATOR: OPERATE,
    Role.APPROVER: OPERATE | APPROVE,
    Role.ADMINISTRATOR: OPERATE | ADMINISTER | {"communications.change_channel"},
}


def granted(role: Role, known: Iterable[str]) -> frozenset[str]:
    """The permissions of a role: everyone sees everything but people and tokens. `known` are all there are."""
    seen = {name for name in known if name.partition(".")[2].startswith("view_")}
    return frozenset(seen - ADMINISTER) | EXTRA[role]


@transaction.atomic
def setup_roles() -> None:
    """Make the four groups and give each exactly its permissions. Other groups are the site's own."""
    permissions = Permission.objects.filter(content_type__app_label__in=APPS).select_related("content_type")
    known = {f"{permission.content_type.app_label}.{permission.codename}": permission for permission in permissions}
    for role in Role:
        group, _ = Group.objects.get_or_create(name=role.value)
        group.permissions.set([known[name] for name in granted(role, known)])
