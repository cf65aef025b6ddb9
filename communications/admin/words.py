"""How news and announcements look."""

from __future__ import annotations

from django.utils.safestring import SafeString

from communications.domain.alerts import TOPICS, AlertType, Topic
from communications.domain.message import HEADLINES
from communications.domain.states import AnnouncementState
from communications.models import Alert, Announcement
from core.templatetags.screen import badge

ICONS = {
    Topic.EMERGENCY: "emergency_home",
    Topic.ROLLBACK: "undo",
    Topic.RAMP: "stairs",
    Topic.ALERT: "notifications_active",
    Topic.RISK: "speed",
    Topic.MIGRATION: "database",
    Topic.WORK: "checklist",
    Topic.INCIDENT: "e911_emergency",
    Topic.PAGE: "phone_in_talk",
    Topic.STATUS: "public",
    Topic.AUDIT: "encrypted",
    Topic.REPORT: "summarize",
    Topic.KPI: "flag_check",
}
_TONES = {"critical": "bad", "high": "bad", "warning": "warn", "info": "info"}
_STATES = {  # tone, icon, words
    AnnouncementState.DRAFT: ("warn", "edit_note", "waits for approval"),
    AnnouncementState.HELD: ("info", "schedule", "held"),
    AnnouncementState.QUEUED: ("warn", "schedule_send", "waiting"),
    AnnouncementState.SENT: ("ok", "mark_email_read", "sent"),
    AnnouncementState.FAILED: ("bad", "error", "given up"),
    AnnouncementState.MERGED: ("mute", "merge", "told with others"),
    AnnouncementState.DISCARDED: ("mute", "block", "discarded"),
}


def headline(alert: Alert) -> str:
    """What kind of news it is."""
    words = HEADLINES[AlertType(alert.type)]
    return words[:1] + words[1:].lower()


def headline_badge(alert: Alert) -> SafeString:
    return badge(headline(alert).lower(), _TONES[alert.severity], ICONS[TOPICS[AlertType(alert.type)]])


def state_badge(row: Announcement, *, channel: bool = False) -> SafeString:
    """The state of an announcement, after its channel where that is not said beside it."""
    tone, icon, word = _STATES[AnnouncementState(row.state)]
    if row.state == AnnouncementState.QUEUED and row.tries:
        word = "trying again"
    return badge(f"{row.channel.key}: {word}" if channel else word, tone, icon)
