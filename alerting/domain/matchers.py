"""Which alerts a silence is for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from alerting.domain.definition import LABEL
from core.errors import Invalid
from core.texts import check_storable
from monitoring.domain.promql.syntax import pattern

OPERATORS = ("=", "!=", "=~", "!~")
MOST = 10


@dataclass(frozen=True, slots=True)
class Matcher:
    """A label and what it must (not) be; a label that is not there is empty. Patterns match the whole value."""

    name: str
    op: str
    value: str

    @classmethod
    def read(cls, given: Any) -> Matcher:
        """From `{"name": …, "op": …, "value": …}`; Invalid, field `matchers`, for anything else."""
        if not isinstance(given, Mapping) or set(given) != {"name", "op", "value"}:
            raise Invalid('A matcher is {"name": label, "op": "=", "value": text}.', field="matchers")
        name, op, value = (given[part] for part in ("name", "op", "value"))
        if not isinstance(name, str) or not LABEL.fullmatch(name):
            raise Invalid(f"{name!r:.60} is no label.", field="matchers")
        if op not in OPERATORS:
            raise Invalid(f"One of {' '.join(OPERATORS)}, not {op!r:.20}.", field="matchers")
        if not isinstance(value, str) or len(value) > 200:
            raise Invalid("A value is a text of at most 200 characters.", field="matchers")
        check_storable(value, field="matchers")
        if op in ("=~", "!~"):
            try:
                pattern(value)
            except Invalid as error:
                raise Invalid(str(error), field="matchers") from None
        return cls(name, op, value)

    def takes(self, labels: Mapping[str, str]) -> bool:
        value = labels.get(self.name, "")
        if self.op in ("=", "!="):
            return (value == self.value) is (self.op == "=")
        return (pattern(self.value).fullmatch(value) is not None) is (self.op == "=~")

    def as_dict(self) -> dict[str, str]:
        return {"name": self.name, "op": self.op, "value": self.value}


def read(given: Any) -> list[Matcher]:
    """One to ten matchers, at least one of which takes not everything; else Invalid, field `matchers`."""
    if not isinstance(given, Sequence) or isinstance(given, str) or not 1 <= len(given) <= MOST:
        raise Invalid(f"One to {MOST} matchers.", field="matchers")
    found = [Matcher.read(one) for one in given]
    if all(matcher.takes({}) for matcher in found):
        raise Invalid("These matchers would silence everything: name what is to be silent.", field="matchers")
    return found
