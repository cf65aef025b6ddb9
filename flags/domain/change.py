"""What a change of a flag's state may be, decided without a database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from core.errors import Invalid
from core.texts import check_text
from flags.domain.bucketing import Bucketing
from flags.domain.schema import check_fits, check_json

MAX_NPUB_LENGTH = 200
RESERVED_PARAMETERS = frozenset(
    {"bucket", "configVersion", "percentage", "prerequisite", "rule", "ruleName"}
)  # an evaluation tells its why by these


@dataclass(frozen=True, slots=True)
class StateChange:
    """The fields to set; None leaves a field as it is.

    `percentage` is 0 to 100. `parameters` replaces all parameters, `patch` sets single ones.
    """

    enabled: bool | None = None
    percentage: Decimal | int | str | None = None
    parameters: Mapping[str, Any] | None = None
    patch: Mapping[str, Any] | None = None

    def to_dict(self) -> dict[str, Any]:
        """As JSON, without what is left as it is."""
        wanted = {
            "enabled": self.enabled,
            "percentage": None if self.percentage is None else str(self.percentage),
            "parameters": self.parameters,
            "patch": self.patch,
        }
        return {name: value for name, value in wanted.items() if value is not None}


def read_percentage(value: object, bucketing: Bucketing) -> Decimal:
    """A percentage from what a door received; Invalid says what is allowed.

    js31 has 100 buckets, so whole percents; murmur3 has 10,000, so steps of 0.01.
    """
    try:
        percentage = Decimal(str(value).strip())
    except InvalidOperation:
        raise Invalid(f"{value!r} is not a number: write 0 to 100.", field="percentage") from None
    if not percentage.is_finite() or not 0 <= percentage <= 100:
        raise Invalid(f"A rollout is 0 to 100 percent, not {value}.", field="percentage")
    step = Decimal(1) if bucketing is Bucketing.JS31 else Decimal("0.01")
    if percentage % step:
        raise Invalid(
            f"This flag moves in steps of {step} percent ({bucketing}); {value} lies between.", field="percentage"
        )
    return percentage


def check_parameters(parameters: object, schema: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Parameters are a JSON object of at most 16 KiB, without the names by which an evaluation tells its why.

    `schema` is the flag's own word about them, as `flags.domain.schema` has checked it.
    """
    if not isinstance(parameters, Mapping):
        raise Invalid('Parameters are a JSON object, for example {"autoCorrection": false}.', field="parameters")
    taken = sorted(RESERVED_PARAMETERS.intersection(parameters))
    if taken:
        raise Invalid(f"Parameters cannot be called {', '.join(taken)}: answers use these names.", field="parameters")
    check_json(parameters, "Parameters", field="parameters")
    check_fits(parameters, schema or {}, what="Parameters", field="parameters")
    return dict(parameters)


def check_reason(reason: str, *, protected: bool) -> str:
    """A protected environment asks why. Raises Invalid also for a reason that no database can store."""
    reason = check_text(reason)
    if protected and not reason:
        raise Invalid("This environment is protected: say why you change it.", field="reason")
    return reason


@dataclass(frozen=True, slots=True)
class PastedList:
    """An allow-list as pasted: the npubs in their order without repeats, and the repeats."""

    npubs: tuple[str, ...]
    duplicates: tuple[str, ...]


def read_npubs(text: str) -> PastedList:
    """Read npubs separated by white space, commas or semicolons; Invalid names the first bad one's line."""
    seen: dict[str, None] = {}
    duplicates: dict[str, None] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        for npub in line.replace(",", " ").replace(";", " ").split():
            if len(npub) > MAX_NPUB_LENGTH:
                raise Invalid(
                    f"Line {number}: {npub[:24]}… has {len(npub)} characters; an npub has at most {MAX_NPUB_LENGTH}.",
                    field="npubs",
                )
            if npub in seen:
                duplicates[npub] = None
            seen[npub] = None
    return PastedList(tuple(seen), tuple(duplicates))
