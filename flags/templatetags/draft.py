"""Fields of a targeting form: named by their place, marked when they are wrong, and focused when they are next."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()
FOCUS = SafeString(" autofocus")
NOTHING = SafeString("")


_PLACES = {  # what the form calls the parts of targeting
    "rules": "rule",
    "when": "condition",
    "conditions": "condition",
    "prerequisites": "prerequisite",
    "op": "comparison",
    "percentage": "percent",
    "serve": "what is served",
    "off": "what all others get",
}


@register.filter
def place_id(place: str) -> str:
    """`rules[0].when[1].op` as the id of its element."""
    return "at-" + re.sub(r"[^A-Za-z0-9]+", "-", place).strip("-")


@register.filter
def place_words(place: str) -> str:
    """`rules[0].when[1].op` as `Rule 1, condition 2, comparison`."""
    parts = re.findall(r"([A-Za-z_]+)(?:\[(\d+)\])?", place)
    told = [f"{_PLACES.get(name, name)}{f' {int(index) + 1}' if index else ''}" for name, index in parts]
    words = ", ".join(told)
    return f"{words[:1].upper()}{words[1:]}"


@register.filter
def look_up(mapping: Mapping[str, Any], key: str) -> Any:
    """The value of the key; "" when there is none."""
    return mapping.get(key, "")


@register.simple_tag(takes_context=True)
def field(context: dict[str, Any], place: str, part: str = "") -> SafeString:
    """The attributes of the field at this place: its id and name, whether it is wrong, and the focus."""
    name = f"{place}.{part}".strip(".")
    wrong = name in (context.get("wrong") or {})
    return format_html(
        'id="{}" name="{}"{}{}',
        place_id(name),
        name,
        format_html(' aria-invalid="true" aria-describedby="{}-flaw"', place_id(name)) if wrong else "",
        FOCUS if context.get("focus") == name else "",
    )


@register.simple_tag(takes_context=True)
def focus_here(context: dict[str, Any], place: str) -> SafeString:
    """`autofocus` for the button that was pressed last, where it is now."""
    return FOCUS if context.get("focus") == place else NOTHING


@register.simple_tag(takes_context=True)
def flaw(context: dict[str, Any], place: str, part: str = "") -> SafeString:
    """What is wrong at this place, if anything is."""
    name = f"{place}.{part}".strip(".")
    sentence = (context.get("wrong") or {}).get(name)
    if not sentence:
        return NOTHING
    return format_html('<p class="ops-flaw" id="{}-flaw">{}</p>', place_id(name), sentence)
