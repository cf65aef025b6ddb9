"""Times as programs give them to `/api/v1`: RFC 3339 with an offset, any that there is."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, AwareDatetime

from core.moments import in_utc

Moment = Annotated[AwareDatetime, AfterValidator(in_utc)]
