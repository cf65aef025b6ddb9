"""When weekly reports are made, of which environments, who has to release them, and what they recommend."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import time
from enum import StrEnum
from typing import Any

from core.calendar import read_zone
from core.errors import Invalid
from reports.domain.periods import DAYS, Schedule
from reports.domain.rules import Rule

MOST_WEEKS = 12
MOST_RULES = 50


class Release(StrEnum):
    DRAFT = "draft"  # a person reads it first, and releases it
    AT_ONCE = "at_once"


@dataclass(frozen=True, slots=True)
class Setup:
    """`read` makes one of plain values, as a playbook has them.

    Args:
        environments: their keys; none: no report is made by the clock.
        weekday, at: when, by the clocks of `zone` (empty: that of each environment).
        baseline_weeks: 1 to 12 weeks up to the period.
        catch_up: 0 to 12 missed weeks that are made up for after a pause.
    """

    environments: Sequence[str] = ()
    zone: str = ""
    weekday: str = DAYS[0]
    at: str = "07:00"
    release: Release = Release.DRAFT
    baseline_weeks: int = 4
    catch_up: int = 4
    recommendations: Sequence[Rule] = ()

    @classmethod
    def read(cls, values: Mapping[str, Any]) -> Setup:
        """Raises Invalid; the field is the one that is wrong."""
        unknown = set(values) - set(cls.__dataclass_fields__)
        if unknown:
            raise Invalid(f"A report has no {min(unknown)!r}.", field=min(unknown))
        told = {**values}
        if told.get("release", "") not in ("", *Release):
            raise Invalid(f"A report is released as one of {', '.join(Release)}.", field="release")
        told["release"] = Release(told.get("release") or Release.DRAFT)
        told["recommendations"] = tuple(Rule.read(rule) for rule in values.get("recommendations", ()))
        told["environments"] = tuple(values.get("environments", ()))
        found = cls(**told)
        found._check()
        return found

    def _check(self) -> None:
        if self.zone:
            read_zone(self.zone)
        if self.weekday not in DAYS:
            raise Invalid(f"{self.weekday!r} is no weekday: {', '.join(DAYS)}.", field="weekday")
        self.time  # noqa: B018  # raises
        for name, least, most in (("baseline_weeks", 1, MOST_WEEKS), ("catch_up", 0, MOST_WEEKS)):
            if not least <= getattr(self, name) <= most:
                raise Invalid(f"A whole number of weeks from {least} to {most}.", field=name)
        keys = [rule.key for rule in self.recommendations]
        if len(set(keys)) != len(keys) or len(keys) > MOST_RULES:
            raise Invalid(f"At most {MOST_RULES} recommendations, each with a key of its own.", field="recommendations")

    @property
    def time(self) -> time:
        try:
            return time.fromisoformat(self.at)
        except ValueError:
            raise Invalid(f"{self.at!r} is no time of day. Write it like 07:00.", field="at") from None

    def schedule(self, zone: str) -> Schedule:
        """When it is made where the environment's own zone is `zone`."""
        return Schedule(self.zone or zone, DAYS.index(self.weekday), self.time)

    def as_dict(self) -> dict[str, Any]:
        """As it is stored, whole."""
        told = {name: getattr(self, name) for name in self.__dataclass_fields__}
        rules = [rule.as_dict() for rule in self.recommendations]
        plain = {"release": self.release.value, "environments": list(self.environments)}
        return {**told, **plain, "recommendations": rules}
