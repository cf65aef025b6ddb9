"""Times of the public page, as its readers write them. Always in UTC: a page without scripts knows no other zone."""

from __future__ import annotations

from datetime import UTC, date, datetime

from django import template
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language

register = template.Library()
DAY = {"en": "j M Y", "de": "j. N Y"}  # Django's own for English are those of America
LONG_DAY = {"en": "j F Y", "de": "j. F Y"}


@register.filter
def day(at: date) -> str:
    """`27 Nov 2026`, in German `27. Nov. 2026`."""
    return date_format(at, DAY[_language()])


@register.filter
def long_day(at: date) -> str:
    """`27 November 2026`, in German `27. November 2026`."""
    return date_format(at, LONG_DAY[_language()])


@register.filter
def minute(at: datetime) -> str:
    """`27 Nov 2026, 15:04`."""
    local = at.astimezone(UTC)
    return f"{day(local)}, {local:%H:%M}"


@register.filter
def moment(at: datetime) -> SafeString:
    """The same for people and programs."""
    return format_html('<time datetime="{}">{}</time>', at.astimezone(UTC).isoformat(timespec="seconds"), minute(at))


@register.simple_tag
def window(starts_at: datetime, ends_at: datetime) -> SafeString:
    """From when to when; the day of the end only where it is another one."""
    end = ends_at.astimezone(UTC)
    same_day = starts_at.astimezone(UTC).date() == end.date()
    shown = f"{end:%H:%M}" if same_day else minute(end)
    return format_html('{} – <time datetime="{}">{}</time> UTC', moment(starts_at), end.isoformat(), shown)


def _language() -> str:
    language = get_language() or "en"
    return language if language in DAY else "en"
