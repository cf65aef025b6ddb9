"""How times, states and shares look, the same on every page.

A state is an icon, a word and a colour: never a colour alone.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from json import dumps
from typing import Any

from django import template
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from core import moments
from core.requirements import Standing

register = template.Library()
NOTHING = mark_safe('<span class="ops-none">–</span>')  # an empty cell; a phone leaves it out

LOOK = {  # word: (tone, icon)
    "planned": ("mute", "schedule"),
    "running": ("info", "play_circle"),
    "held": ("warn", "pause_circle"),
    "completed": ("ok", "check_circle"),
    "rolled_back": ("bad", "undo"),
    "rolled back": ("bad", "undo"),
    "PASS": ("ok", "check_circle"),
    "BREACH": ("bad", "error"),
    "INSUFFICIENT": ("warn", "hourglass_empty"),
    "NO_DATA": ("warn", "signal_disconnected"),
    "armed": ("ok", "shield"),
    "latched": ("bad", "lock"),
    "on": ("ok", "toggle_on"),
    "off": ("mute", "toggle_off"),
    "taken": ("ok", "check"),
    "skipped": ("mute", "skip_next"),
    "now": ("info", "my_location"),
    "next": ("info", "arrow_forward"),
    "later": ("mute", "more_horiz"),
    "critical": ("bad", "priority_high"),
    "sent": ("ok", "mark_email_read"),
    "waiting": ("warn", "schedule_send"),
    "failed": ("bad", "error"),
    "ok": ("ok", "check_circle"),
    "stale": ("bad", "heart_broken"),
    "down": ("bad", "cloud_off"),
    "never": ("warn", "help"),
    "unknown": ("warn", "help"),
}
STANDINGS = {
    Standing.MET: ("met", "ok", "check_circle"),
    Standing.UNMET: ("not met", "bad", "block"),
    Standing.UNKNOWN: ("not known", "warn", "help"),
    Standing.WAIVED: ("waived", "warn", "verified_user"),
}


def _now(context: dict[str, Any]) -> datetime:
    return timezone.localtime(context["now"])


@register.simple_tag(takes_context=True)
def moment(context: dict[str, Any], at: datetime | None, form: str = "both") -> SafeString | str:
    """A time as `in 3 min (09:03:00 UTC)`. `form` is both, relative, clock, or reader: both, and in the zone of
    whoever reads it (static/ops/zone.js). The page's `now` is the present.
    """
    if at is None:
        return "never"
    now = _now(context)
    near, exact = moments.relative(at, now=now), moments.clock(at, now=now)
    shown = {"relative": near, "clock": exact}.get(form, f"{near} ({exact})")
    title = {"relative": exact, "clock": near}.get(form, "")
    zone = format_html(' data-zone="{}"', now.tzinfo) if form == "reader" else ""
    return format_html('<time datetime="{}" title="{}"{}>{}</time>', at.isoformat(), title, zone, shown)


@register.filter
def span(seconds: float | None) -> str:
    """Seconds as `3 min 20 s`."""
    return "" if seconds is None else moments.span(timedelta(seconds=float(seconds)))


@register.simple_tag
def state(word: object, text: str = "") -> SafeString:
    """A state as a badge. `text` replaces the word that is shown."""
    tone, icon = LOOK.get(str(word), ("mute", "circle"))
    shown = text or str(word).replace("_", " ")
    return badge(shown, tone, icon)


@register.simple_tag
def standing(of: Standing) -> SafeString:
    """How a requirement stands, as a badge."""
    return badge(*STANDINGS[of])


@register.simple_tag
def badge(text: str, tone: str = "mute", icon: str = "circle") -> SafeString:
    """A word with an icon. Tones: ok, warn, bad, info, mute."""
    return format_html(
        '<span class="ops-badge" data-tone="{}"><span class="material-symbols-outlined" aria-hidden="true">{}</span>'
        "{}</span>",
        tone,
        icon,
        text,
    )


@register.simple_tag
def environment(row: object) -> SafeString:
    """The environment's name; a protected one is inverted and has a lock."""
    if not getattr(row, "protected", False):
        return format_html('<span class="ops-environment">{}</span>', row)
    return format_html(
        '<span class="ops-environment" data-protected><span class="material-symbols-outlined" aria-hidden="true">'
        'lock</span>{}<span class="ops-hidden"> (protected)</span></span>',
        row,
    )


@register.simple_tag
def action(url: str, text: str, icon: str = "", tone: str = "", size: str = "") -> SafeString:
    """A link that looks like a button and opens its page in a dialog.

    Tones: primary, danger, quiet-danger. Sizes: small, and icon, which keeps the text for those who hear or hover.
    """
    if size == "icon":
        return format_html(
            '<a class="ops-button" data-dialog href="{}" data-tone="{}" data-size="icon" title="{}" aria-label="{}">'
            '<span class="material-symbols-outlined" aria-hidden="true">{}</span></a>',
            url,
            tone,
            text,
            text,
            icon,
        )
    shown = format_html('<span class="material-symbols-outlined" aria-hidden="true">{}</span>', icon) if icon else ""
    return format_html(
        '<a class="ops-button" data-dialog href="{}" data-tone="{}" data-size="{}">{}{}</a>',
        url,
        tone,
        size,
        shown,
        text,
    )


@register.filter
def number(value: float | None) -> str:
    """At most three decimals below ten, one below a hundred, none above: `0.312`, `42.5`, `1,250`."""
    if value is None:
        return "–"
    digits = 3 if abs(value) < 10 else 1 if abs(value) < 100 else 0
    text = f"{float(value):,.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


@register.filter
def percent(value: object) -> str:
    """25.00 as `25 %`."""
    return f"{float(str(value)):g} %"


@register.filter
def plain(value: object) -> str:
    """A number for CSS: no local separators."""
    return f"{float(str(value)):g}"


@register.filter
def json(value: object) -> str:
    """A value as JSON on one line."""
    return dumps(value, ensure_ascii=False)


@register.filter
def readable(name: str) -> str:
    """`max_window` as `Max window`."""
    return name.replace("_", " ").capitalize()


@register.filter
def fact(value: object) -> str:
    """A measured value as it came; numbers with at most three decimals."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value if isinstance(value, str) else dumps(value, ensure_ascii=False)
    return str(number(value))
