"""The cells of the list that tell of more than the row itself: read once for the page, when its first row is shown."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING

from django.contrib import admin
from django.db.models import Value
from django.db.models.functions import Coalesce
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from core import beside
from core.templatetags.screen import NOTHING, badge
from flags.admin.spark import bars
from flags.admin.words import ago
from flags.domain.standing import share, standing
from flags.domain.values import ValueType
from flags.models import FlagState
from flags.selectors import listing

if TYPE_CHECKING:
    from core.models import Environment

_NEVER = Value(datetime(1970, 1, 1, tzinfo=UTC))  # databases disagree on where an empty time is sorted
Cell = Callable[[FlagState], SafeString | str]


class Rows:
    """`shown` are the states on the page of the list, known once the list has been read."""

    def __init__(self, environment: Environment | None) -> None:
        self.environment = environment
        self.shown: Iterable[FlagState] = ()
        self._now = timezone.localtime()

    @cached_property
    def _siblings(self) -> dict[int, list[FlagState]]:
        return listing.of_flags([state.flag_id for state in self.shown])

    @cached_property
    def _hours(self) -> dict[str, list[int]]:
        keys = [state.flag.key for state in self.shown]
        return listing.hourly(self.environment.pk, keys, now=self._now) if self.environment else {}

    @cached_property
    def _since(self) -> datetime | None:
        return listing.counting_since()

    @cached_property
    def _notes(self) -> beside.Notes:
        return beside.flag_notes()

    def columns(self, others: Sequence[Environment]) -> tuple[list[Cell], list[Cell]]:
        """The columns before and after those that a state tells of itself."""
        return [self._key()], [*(self._elsewhere(row) for row in others), self._asked(), self._told()]

    def _key(self) -> Cell:
        @admin.display(description="Flag", ordering="flag__key")
        def flag(state: FlagState) -> SafeString:
            found = listing.staleness(self._siblings[state.flag_id], since=self._since, now=self._now)
            marks = [(badge(state.flag.value_type, "mute", "data_object"),)] if _typed(state) else []
            if found:
                marks.append((badge(found.kind.value, "warn", "cleaning_services"),))
            return format_html(
                '<span class="ops-long"><a class="ops-link" href="{}">{}</a><br>'
                '<span class="ops-soft ops-small">{}</span> {}</span>',
                reverse("admin:flags_flagstate_change", args=[state.pk]),
                state.flag.key,
                state.flag.name,
                format_html_join(" ", "{}", marks),
            )

        return flag

    def _elsewhere(self, environment: Environment) -> Cell:
        @admin.display(description=environment.name)
        def elsewhere(state: FlagState) -> SafeString | str:
            there = [row for row in self._siblings[state.flag_id] if row.environment_id == environment.pk]
            return compact(there[0]) if there else NOTHING

        elsewhere.__name__ = f"in_{environment.pk}"
        return elsewhere

    def _asked(self) -> Cell:
        @admin.display(description="Asked, 24 h", ordering=Coalesce("asked__at", _NEVER))
        def asked(state: FlagState) -> SafeString:
            last = getattr(state, "asked", None)
            hours = self._hours.get(state.flag.key, [])
            told = ago(last.at, now=self._now) if last else "never"
            return format_html(
                '<span>{}<span class="ops-soft ops-small">{}</span></span>', bars(hours) if hours else "", told
            )

        return asked

    def _told(self) -> Cell:
        @admin.display(description="Notes")
        def ramp(state: FlagState) -> SafeString | str:
            found = self._notes[state.flag.key, state.environment.key]
            links = [(note.url, badge(note.text, note.tone, note.icon)) for note in found]
            return format_html_join(" ", '<a class="ops-fold" href="{}">{}</a>', links) or NOTHING

        return ramp


def compact(state: FlagState) -> SafeString:
    """A state in a few characters: a dot with its tone, the percentage or a word, and all of it on hover."""
    found = standing(state)
    text = share(state.percentage) if state.enabled else found.word
    return format_html(
        '<a class="ops-cell" href="{}" title="{}: {}"><span class="ops-dot" data-tone="{}" aria-hidden="true"></span>'
        '<span class="ops-num">{}</span></a>',
        reverse("admin:flags_flagstate_change", args=[state.pk]),
        state.environment.name,
        found.sentence,
        found.tone,
        text,
    )


def _typed(state: FlagState) -> bool:
    return state.flag.value_type != ValueType.BOOLEAN
