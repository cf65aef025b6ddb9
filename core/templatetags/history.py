"""How the event log looks: what happened in words, and what changed field by field."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from core import beside
from core.changes import Difference, differences
from core.looks import LOOK
from core.templatetags.screen import action

if TYPE_CHECKING:
    from core.models import Event

register = template.Library()

SHORT = {"kpi": "KPI"}  # nouns that are written otherwise than a word
WHO = {"person": "person", "token": "key", "command": "terminal", "machine": "smart_toy"}


@register.filter
def kind_words(kind: str) -> str:
    """`flag.rollout_changed` as `Rollout changed`, `ramp.held` as `Ramp held`."""
    noun, _, what = kind.partition(".")
    words = what.replace("_", " ")
    if noun in SHORT:
        return f"{SHORT[noun]} {words}"
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
    if not key.isdecimal():
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
