"""What a flag is, the same in every environment: its type, its variants, and what its parameters must be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

from core.errors import Invalid
from core.texts import check_storable
from flags.domain.bucketing import Bucketing
from flags.domain.keys import is_key
from flags.domain.schema import check_fits, check_json, check_schema
from flags.domain.values import MAX_EXACT, ValueType, fits, off_by_default, served_by_default

MAX_VARIANTS = 20
MAX_NAME = 120
MAX_DESCRIPTION = 2_000
MAX_GROUP = 64
MOVING = ("bucketing", "group")  # these decide which npubs come first

_A = {
    ValueType.BOOLEAN: "true or false",
    ValueType.STRING: "a text",
    ValueType.NUMBER: "a number",
    ValueType.JSON: "a JSON object or a list",
}

Variants = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class DefinitionChange:
    """The fields to set; None leaves a field as it is. `bucketing` and `value_type` are the values of their enums.

    `variants` are all of them, `[{"key": "a", "value": ...}, ...]`; [] gives a boolean flag on and off again.
    """

    name: str | None = None
    description: str | None = None
    group: str | None = None
    bucketing: str | None = None
    value_type: str | None = None
    variants: Variants | None = None
    value_schema: Mapping[str, Any] | None = None
    parameter_schema: Mapping[str, Any] | None = None

    def to_dict(self) -> dict[str, Any]:
        """As JSON, without what is left as it is."""
        return {name: value for name, value in asdict(self).items() if value is not None}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> DefinitionChange:
        unknown = sorted(set(values) - set(cls.__slots__))
        if unknown:
            raise Invalid(f"A flag has no {', '.join(unknown)}; it has {', '.join(cls.__slots__)}.", field=unknown[0])
        return cls(**values)


def read(wanted: DefinitionChange, current: Mapping[str, Any]) -> dict[str, Any]:
    """The whole definition after the change, checked. `current` has the fields of DefinitionChange.

    Raises Invalid with the field that is wrong.
    """
    new = {**current, **wanted.to_dict()}
    kind = _choice(ValueType, new["value_type"], "value_type")
    value_schema = check_schema(new["value_schema"], field="value_schema")
    return {
        "name": _line(new["name"], "name", MAX_NAME, required=True),
        "description": _text(new["description"], "description", MAX_DESCRIPTION),
        "group": _line(new["group"], "group", MAX_GROUP),
        "bucketing": _choice(Bucketing, new["bucketing"], "bucketing").value,
        "value_type": kind.value,
        "variants": read_variants(new["variants"], kind, value_schema),
        "value_schema": value_schema,
        "parameter_schema": check_schema(new["parameter_schema"], field="parameter_schema"),
    }


def read_variants(variants: object, kind: ValueType, schema: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Variants with different keys and values of the flag's type, as its schema has them."""
    if not isinstance(variants, Sequence) or isinstance(variants, str):
        raise Invalid('Variants are a list, for example [{"key": "a", "value": 1}].', field="variants")
    if len(variants) > MAX_VARIANTS:
        raise Invalid(f"A flag has at most {MAX_VARIANTS} variants, not {len(variants)}.", field="variants")
    least = 0 if kind is ValueType.BOOLEAN else 2
    if len(variants) < least or len(variants) == 1:
        raise Invalid(
            f"A {kind} flag needs at least two variants: one to serve, and one for those who do not have the feature.",
            field="variants",
        )
    found: dict[str, Any] = {}
    for number, variant in enumerate(variants, start=1):
        key, value = _variant(variant, number)
        if key in found:
            raise Invalid(f"Variant {key!r} is there twice.", field="variants")
        found[key] = _value(value, kind, schema, f"The value of variant {key!r}")
    check_json(list(found.values()), "All values together", field="variants")
    if found and kind is ValueType.BOOLEAN:
        _check_sides(found)
    return [{"key": key, "value": value} for key, value in found.items()]


def _check_sides(variants: Mapping[str, bool]) -> None:
    """Whoever has a boolean feature gets true: a flag at 0 percent must not mean that everybody has it."""
    served, off = served_by_default(variants), off_by_default(variants)
    if not variants[served] or variants[off]:
        raise Invalid(
            f"Whoever has the feature gets {served!r}, which must be true; everybody else gets {off!r}, which must be "
            "false.",
            field="variants",
        )


def _variant(variant: object, number: int) -> tuple[str, Any]:
    if not isinstance(variant, Mapping) or set(variant) != {"key", "value"}:
        raise Invalid(f'Variant {number} must be {{"key": …, "value": …}}.', field="variants")
    key = variant["key"]
    if not isinstance(key, str) or not is_key(key):
        raise Invalid(
            f"Variant {number} needs a key of 1 to 100 letters, digits, dots, underscores or hyphens.", field="variants"
        )
    return key, variant["value"]


def _value(value: Any, kind: ValueType, schema: Mapping[str, Any], what: str) -> Any:
    if not fits(value, kind):
        raise Invalid(f"{what} must be {_A[kind]}, as the flag's type is.", field="variants")
    if kind is ValueType.NUMBER and abs(value) > MAX_EXACT:
        raise Invalid(f"{what} is beyond {MAX_EXACT:,}: JavaScript would read another number.", field="variants")
    check_json(value, what, field="variants")
    check_fits(value, schema, what=what, field="variants")
    return value


def _choice(options: type[Any], value: object, field: str) -> Any:
    known = [option.value for option in options]
    if value not in known:
        raise Invalid(f"{value!r} is not possible here: write {' or '.join(known)}.", field=field)
    return options(value)


def _line(value: object, field: str, most: int, *, required: bool = False) -> str:
    text = _text(value, field, most)
    if required and not text.strip():
        raise Invalid("A flag needs a name, as people call the feature.", field=field)
    if any(character < " " or character == "\x7f" for character in text):
        raise Invalid(f"The {field} is one line of text.", field=field)
    return text


def _text(value: object, field: str, most: int) -> str:
    if not isinstance(value, str):
        raise Invalid(f"The {field} is a text.", field=field)
    check_storable(value, field=field)
    if len(value) > most:
        raise Invalid(f"The {field} has {len(value)} characters; at most {most} fit.", field=field)
    return value


def served(targeting: Mapping[str, Any]) -> set[str]:
    """The variants that targeting serves by name."""
    rules = targeting.get("rules", ())
    named = [targeting.get("serve"), targeting.get("off"), *(rule.get("serve") for rule in rules)]
    return {
        key
        for serve in named
        if serve is not None
        for key in ([serve] if isinstance(serve, str) else [variant for variant, _ in serve])
    }


def splits(percentage: Decimal, targeting: Mapping[str, Any]) -> bool:
    """Whether the bucket of an npub decides about anything."""
    rules = targeting.get("rules", ())
    serves = [targeting.get("serve"), *(rule.get("serve") for rule in rules)]
    return (
        0 < percentage < 100
        or any(rule.get("percentage", 100) < 100 for rule in rules)
        or any(isinstance(serve, list) for serve in serves)
    )
