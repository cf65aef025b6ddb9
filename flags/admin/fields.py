"""Fields of forms about flags: JSON, and the rows of variants."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from django import forms
from django.template.loader import render_to_string
from django.utils.safestring import SafeString
from unfold.widgets import UnfoldAdminTextareaWidget

from flags.domain.definition import MAX_VARIANTS
from flags.domain.values import ValueType

SPARE = 2  # empty rows below the variants there are

Rows = list[dict[str, str]]


class JsonField(forms.CharField):
    """A JSON value as text; empty is an empty object."""

    def __init__(self, *, rows: int = 4, **kwargs: Any) -> None:
        look = {"rows": rows, "spellcheck": "false", "class": "ops-code-area"}
        super().__init__(required=False, widget=UnfoldAdminTextareaWidget(attrs=look), **kwargs)

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, str):
            return value
        return json.dumps(value, indent=2, ensure_ascii=False) if value else ""

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        return read_json(text) if text else {}


def read_json(text: str) -> Any:
    """The value, or a ValidationError with the line and column that are wrong."""
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        message = f"This is no JSON: {error.msg} in line {error.lineno}, column {error.colno}."
        raise forms.ValidationError(message) from error
    except (RecursionError, ValueError) as error:
        raise forms.ValidationError("This JSON is too deep, or holds a number that is too long.") from error


class VariantsWidget(forms.Widget):
    """One row for each variant, and a few empty ones; a row without a key and a value is left out."""

    template_name = "flags/variants.html"

    def get_context(self, name: str, value: Any, attrs: Mapping[str, Any] | None) -> dict[str, Any]:
        rows = [*(_typed(row) for row in value or ()), *({"key": "", "value": ""} for _ in range(SPARE))]
        return {**super().get_context(name, value, dict(attrs or {})), "rows": rows[: MAX_VARIANTS + SPARE]}

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        """By the project's templates, which Django's own renderer of forms does not know."""
        return render_to_string(self.template_name, self.get_context(name, value, attrs))

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Rows:
        keys, values = data.getlist(f"{name}.key"), data.getlist(f"{name}.value")
        rows = [{"key": key.strip(), "value": value} for key, value in zip(keys, values, strict=False)]
        return [row for row in rows if row["key"] or row["value"].strip()]

    def id_for_label(self, id_: str | None) -> str:
        return f"{id_}-0"


class VariantsField(forms.Field):
    """The rows as typed; `read` makes values of them, once the type is known."""

    widget = VariantsWidget

    @staticmethod
    def read(rows: Rows, kind: ValueType) -> list[dict[str, Any]]:
        """The variants with values of this type. A ValidationError names the variant that has none."""
        return [{"key": row["key"], "value": _value(row, kind)} for row in rows]


def _value(row: Mapping[str, str], kind: ValueType) -> Any:
    text = row["value"]
    if kind is ValueType.STRING:
        return text
    if kind is ValueType.BOOLEAN and text.strip().lower() in ("true", "false"):
        return text.strip().lower() == "true"
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        wanted = {ValueType.BOOLEAN: "true or false", ValueType.NUMBER: "a number"}.get(kind, "JSON")
        raise forms.ValidationError(
            f"The value of {row['key'] or 'a variant without a key'} is not {wanted}."
        ) from error


def _typed(row: Mapping[str, Any]) -> dict[str, str]:
    value = row["value"]
    return {"key": row["key"], "value": value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}
