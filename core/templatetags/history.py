"""How the event log looks: what happened in words, and what changed field by field."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from core import beside
from core.changes import Difference, differences
from core.templatetags.screen import action

if TYPE_CHECKING:
    from core.models import Event

register = template.Library()

LOOK = {  # kind: (tone, icon)
    "flag.enabled": ("ok", "toggle_on"),
    "flag.disabled": ("mute", "toggle_off"),
    "flag.rollout_changed": ("info", "percent"),
    "flag.parameters_changed": ("info", "tune"),
    "flag.allow_list_changed": ("info", "group_add"),
    "flag.deny_list_changed": ("warn", "person_off"),
    "flag.targeting_changed": ("info", "rule"),
    "flag.definition_changed": ("warn", "edit"),
    "flag.renamed": ("mute", "edit"),
    "flag.archived": ("warn", "archive"),
    "flag.restored": ("info", "unarchive"),
    "segment.created": ("mute", "group_add"),
    "segment.changed": ("info", "groups"),
    "segment.deleted": ("warn", "group_remove"),
    "flag.promoted": ("info", "move_up"),
    "flag.emergency_disabled": ("bad", "emergency_home"),
    "flag.rolled_back": ("bad", "undo"),
    "flag.created": ("mute", "add"),
    "ramp.started": ("info", "trending_up"),
    "ramp.advanced": ("info", "stairs"),
    "ramp.skipped": ("mute", "skip_next"),
    "ramp.stepped_back": ("warn", "skip_previous"),
    "ramp.rolled_back": ("bad", "undo"),
    "ramp.held": ("warn", "pause_circle"),
    "ramp.resumed": ("ok", "play_circle"),
    "ramp.completed": ("ok", "check_circle"),
    "request.opened": ("info", "approval_delegation"),
    "request.edited": ("warn", "edit"),
    "request.rescheduled": ("warn", "event"),
    "request.refreshed": ("info", "refresh"),
    "request.voided": ("warn", "do_not_disturb_on"),
    "request.commented": ("mute", "chat"),
    "request.approved": ("ok", "verified"),
    "request.rejected": ("bad", "block"),
    "request.withdrawn": ("mute", "undo"),
    "request.expired": ("mute", "timer_off"),
    "request.applied": ("ok", "done_all"),
    "request.reverted": ("warn", "history"),
    "plan.started": ("info", "view_kanban"),
    "plan.paused": ("warn", "pause_circle"),
    "plan.resumed": ("ok", "play_circle"),
    "plan.completed": ("ok", "check_circle"),
    "plan.aborted": ("bad", "cancel"),
    "phase.started": ("info", "play_arrow"),
    "phase.completed": ("ok", "check_circle"),
    "phase.approved": ("ok", "verified"),
    "phase.waived": ("warn", "verified_user"),
    "phase.rolled_back": ("bad", "undo"),
    "item.marked": ("mute", "checklist"),
    "item.assigned": ("mute", "person"),
    "item.attached": ("mute", "attach_file"),
    "item.attachment_removed": ("warn", "delete"),
    "command.requested": ("mute", "terminal"),
    "command.ended": ("mute", "terminal"),
    "command.stopped": ("warn", "stop_circle"),
    "checklist.overdue": ("warn", "alarm"),
    "escalation.started": ("bad", "campaign"),
    "escalation.notified": ("warn", "notifications_active"),
    "escalation.level_changed": ("warn", "speed"),
    "escalation.acknowledged": ("ok", "check_circle"),
    "escalation.exhausted": ("bad", "notifications_off"),
    "escalation.late": ("bad", "alarm"),
    "escalation.stopped": ("mute", "stop_circle"),
    "schedule.created": ("mute", "calendar_add_on"),
    "schedule.changed": ("info", "edit_calendar"),
    "schedule.removed": ("warn", "delete"),
    "schedule.shift_taken": ("info", "swap_horiz"),
    "schedule.shift_given_back": ("mute", "undo"),
    "schedule.feed_failed": ("bad", "cloud_off"),
    "schedule.feed_recovered": ("ok", "cloud_done"),
    "chain.created": ("mute", "add"),
    "chain.changed": ("info", "edit"),
    "chain.removed": ("warn", "delete"),
    "rollback.requested": ("warn", "undo"),
    "rollback.confirmed": ("bad", "verified"),
    "rollback.refused": ("mute", "block"),
    "rollback.expired": ("mute", "timer_off"),
    "rollback.replanned": ("warn", "published_with_changes"),
    "rollback.step_done": ("ok", "check"),
    "rollback.step_failed": ("bad", "error"),
    "rollback.retried": ("info", "refresh"),
    "rollback.skipped": ("warn", "skip_next"),
    "rollback.aborted": ("bad", "cancel"),
    "rollback.completed": ("ok", "task_alt"),
    "application.created": ("mute", "deployed_code"),
    "application.changed": ("warn", "deployed_code"),
    "alert.firing": ("bad", "notifications_active"),
    "alert.resolved": ("ok", "notifications_off"),
    "alert_rules.failing": ("bad", "rule"),
    "alert_rules.recovered": ("ok", "rule"),
    "alert.no_data": ("warn", "signal_disconnected"),
    "alert.acknowledged": ("info", "visibility"),
    "alert_rule.created": ("mute", "add_alert"),
    "alert_rule.changed": ("info", "edit_notifications"),
    "alert_rule.removed": ("warn", "delete"),
    "silence.created": ("warn", "notifications_paused"),
    "silence.ended": ("mute", "notifications"),
    "source.created": ("mute", "add_link"),
    "source.changed": ("info", "settings_ethernet"),
    "source.failed": ("bad", "cloud_off"),
    "source.recovered": ("ok", "cloud_done"),
    "risk.level_raised": ("bad", "trending_up"),
    "risk.level_changed": ("info", "speed"),
    "risk.registered": ("mute", "add_moderator"),
    "risk.changed": ("info", "shield"),
    "metric.created": ("mute", "add_chart"),
    "metric.changed": ("info", "query_stats"),
    "trigger.fired": ("bad", "bolt"),
    "trigger.created": ("mute", "notification_add"),
    "trigger.changed": ("info", "tune"),
    "trigger.rearmed": ("ok", "shield"),
    "trigger.observed": ("warn", "visibility"),
    "metrics.silent": ("bad", "signal_disconnected"),
    "metrics.heard": ("ok", "sensors"),
    "token.revoked": ("warn", "key_off"),
    "token.created": ("mute", "key"),
    "person.created": ("mute", "person_add"),
    "person.changed": ("warn", "manage_accounts"),
    "person.password_set": ("warn", "password"),
    "environment.created": ("mute", "dns"),
    "environment.changed": ("warn", "dns"),
    "ramp_template.created": ("mute", "library_add"),
    "ramp_template.changed": ("info", "edit_note"),
    "freeze.planned": ("info", "ac_unit"),
    "freeze.changed": ("info", "edit_calendar"),
    "freeze.ended": ("mute", "event_busy"),
    "freeze.overridden": ("warn", "lock_open"),
    "freeze.override_lifted": ("info", "ac_unit"),
    "status.published": ("info", "public"),
    "status.translated": ("mute", "translate"),
    "status.component_changed": ("warn", "widgets"),
    "status.component_defined": ("mute", "widgets"),
    "status.component_retired": ("warn", "delete"),
    "status.page_defined": ("mute", "public"),
    "status.subscription_asked": ("mute", "mail"),
    "status.subscribed": ("mute", "mark_email_read"),
    "status.unsubscribed": ("mute", "unsubscribe"),
    "maintenance.planned": ("info", "event"),
    "maintenance.changed": ("info", "edit_calendar"),
    "maintenance.begun": ("info", "engineering"),
    "maintenance.verifying": ("info", "fact_check"),
    "maintenance.ended": ("ok", "task_alt"),
    "maintenance.cancelled": ("mute", "event_busy"),
    "complaint.received": ("warn", "sentiment_dissatisfied"),
    "error.opened": ("bad", "error"),
    "error.resolved": ("ok", "task_alt"),
    "validation.finished": ("info", "fact_check"),
    "migration.requested": ("warn", "database"),
    "migration.approved": ("ok", "verified"),
    "migration.refused": ("mute", "block"),
    "migration.expired": ("mute", "timer_off"),
    "migration.started": ("info", "play_arrow"),
    "migration.phase": ("mute", "flag"),
    "migration.pause_asked": ("warn", "pause"),
    "migration.paused": ("warn", "pause_circle"),
    "migration.held": ("warn", "pan_tool"),
    "migration.resumed": ("ok", "play_circle"),
    "migration.speed": ("info", "speed"),
    "migration.abort_asked": ("bad", "undo"),
    "migration.aborted": ("bad", "undo"),
    "migration.abandoned": ("warn", "cancel"),
    "migration.completed": ("ok", "check_circle"),
    "migration.failed": ("bad", "error"),
    "migration.rolled_back": ("warn", "undo"),
    "migration.rollback_failed": ("bad", "report"),
    "migration.unlocked": ("warn", "lock_open"),
    "migration.forgotten": ("bad", "delete_forever"),
    "readiness.waived": ("warn", "verified_user"),
    "readiness.waiver_withdrawn": ("info", "health_and_safety"),
    "backup.requested": ("mute", "backup"),
    "backup.made": ("ok", "cloud_done"),
    "backup.failed": ("bad", "error"),
    "backup.lost": ("bad", "link_off"),
    "backup.restore_tested": ("ok", "settings_backup_restore"),
    "announcement.retried": ("info", "outgoing_mail"),
    "announcement.approved": ("ok", "send"),
    "announcement.discarded": ("mute", "block"),
    "audience.created": ("info", "group_add"),
    "audience.changed": ("warn", "groups"),
    "audience.removed": ("bad", "group_remove"),
    "wording.changed": ("warn", "edit_note"),
    "wording.removed": ("mute", "edit_off"),
    "migration.differs": ("bad", "difference"),
    "incident.opened": ("bad", "crisis_alert"),
    "incident.level_raised": ("bad", "arrow_upward"),
    "incident.level_lowered": ("info", "arrow_downward"),
    "incident.acknowledged": ("info", "front_hand"),
    "incident.updated": ("info", "campaign"),
    "incident.state_changed": ("info", "sync_alt"),
    "incident.resolved": ("ok", "task_alt"),
    "incident.reopened": ("bad", "replay"),
    "incident.merged": ("mute", "merge"),
    "incident.action_done": ("ok", "check"),
    "incident.overdue": ("bad", "alarm"),
    "incident.note": ("mute", "edit_note"),
    "incident.unpinned": ("mute", "keep_off"),
    "incident.role_assigned": ("mute", "group"),
    "incident.linked": ("mute", "add_link"),
    "incident.post_mortem_begun": ("info", "menu_book"),
    "incident.post_mortem_changed": ("mute", "edit"),
    "incident.post_mortem_action_added": ("info", "add_task"),
    "incident.post_mortem_action_done": ("ok", "task_alt"),
    "incident_level.created": ("mute", "rule"),
    "incident_level.changed": ("warn", "rule"),
    "rules.changed": ("warn", "approval_delegation"),
    "playbook.loaded": ("mute", "menu_book"),
}
WHO = {"person": "person", "token": "key", "command": "terminal", "machine": "smart_toy"}


@register.filter
def kind_words(kind: str) -> str:
    """`flag.rollout_changed` as `Rollout changed`, `ramp.held` as `Ramp held`."""
    noun, _, what = kind.partition(".")
    words = what.replace("_", " ")
    return words.capitalize() if noun == "flag" and " " in words else f"{noun} {words}".replace("_", " ").capitalize()


@register.simple_tag
def kind_badge(kind: str) -> SafeString:
    """What happened, with the icon and the tone of its kind."""
    tone, icon = LOOK.get(kind, ("mute", "circle"))
    return format_html(
        '<span class="ops-badge" data-tone="{}"><span class="material-symbols-outlined" aria-hidden="true">{}</span>'
        "{}</span>",
        tone,
        icon,
        kind_words(kind),
    )


@register.simple_tag
def who(event: Event) -> SafeString:
    """The actor with an icon for its kind: a person, a token, a command or a machine."""
    return format_html(
        '<span class="ops-who"><span class="material-symbols-outlined" aria-hidden="true">{}</span>{}'
        '<span class="ops-hidden"> ({})</span></span>',
        WHO.get(event.actor_kind, "person"),
        event.actor,
        event.actor_kind,
    )


@register.filter
def changes(event: Event) -> list[Difference]:
    """What the event changed, field by field."""
    return differences(event.before, event.after)


@register.filter
def page(event: Event) -> str:
    """The address of what the event is about, or ""."""
    return beside.page_of(event.subject, event.environment.key if event.environment else "")


@register.filter
def subject_key(event: Event) -> str:
    """`flag:atomicMeltOperations` as `atomicMeltOperations`; a number by the name that the event tells, if any."""
    key = event.subject.partition(":")[2]
    if not key.isdigit():
        return key
    told = event.after.get("name") or event.data.get("flag") or event.before.get("name")
    return str(told or event.subject.replace(":", " "))


@register.simple_tag
def part_of(event: Event) -> SafeString | str:
    """The change request or the ramp that the event was part of, as a link; empty when it was none."""
    found = [(noun, event.data[noun]) for noun in ("request", "ramp") if event.data.get(noun)]
    links = [
        (beside.page_of(f"{noun}:{number}"), noun, number)
        for noun, number in found
        if event.subject != f"{noun}:{number}"
    ]
    return format_html_join(" ", '<a class="ops-link" href="{}">{} {}</a>', [link for link in links if link[0]])


@register.simple_tag(takes_context=True)
def event_actions(context: dict[str, Any], event: Event) -> SafeString | str:
    """What the person who looks can do about the event, each as a small button."""
    offered = [*beside.event_actions(event, context["request"].user), *context.get("ways", {}).get(event.pk, ())]
    return format_html_join("", "{}", [(action(each.url, each.text, each.icon, "", "small"),) for each in offered])


@register.inclusion_tag("ops/changes.html")
def change_table(event: Event) -> dict[str, Any]:
    """Before and after of each field that changed."""
    return {"changes": differences(event.before, event.after)}
