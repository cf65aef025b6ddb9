"""What the parts of a playbook are made of."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from flags.domain.change import MAX_NPUB_LENGTH
from monitoring.domain.rule import LONGEST_WINDOW

Name = Annotated[str, Field(min_length=1, max_length=120)]
Text = Annotated[str, Field(max_length=200)]
Key = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,40}$")]
LongKey = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,60}$")]
FlagKey = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,100}$")]
Npub = Annotated[str, Field(pattern=r"^\S+$", max_length=MAX_NPUB_LENGTH)]
Percent = Annotated[Decimal, Field(ge=0, le=100)]
Seconds = Annotated[int, Field(ge=10, le=LONGEST_WINDOW, multiple_of=10)]
Duration = Annotated[str, Field(pattern=r"^(0|(\d+w)?(\d+d)?(\d+h)?(\d+m)?(\d+s)?)$", max_length=20)]


def as_text(value: Any) -> Any:
    """YAML takes a date or time without quotes for more than text."""
    return value.isoformat() if isinstance(value, date) else value


class Part(BaseModel):
    """Every part knows its keys: a misspelt one is an error. The file writes them in camel case, as the seed does."""

    model_config = ConfigDict(
        extra="forbid", strict=True, frozen=True, alias_generator=to_camel, validate_by_name=False, allow_inf_nan=False
    )
