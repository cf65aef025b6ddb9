"""Report metrics: `POST /api/v1/metrics`.

The body is read and checked by the domain and not by pydantic: thousands of samples a second come this way.
`Report` is its description, for the OpenAPI document.
"""

from __future__ import annotations

from typing import Any, Literal

import orjson
from django.http import HttpRequest
from django.utils import timezone
from ninja import Router, Schema, Status
from ninja.errors import HttpError
from pydantic import Field

from flags.api.auth import caller, token_auth
from flags.api.bodies import Body
from flags.services.tokens import Scope
from monitoring.domain.batch import LONGEST_ID, MOST_IN_ONE, MOST_LABELS, MOST_SAMPLES
from monitoring.services import ingest

MOST_BYTES = 2 * 1024 * 1024
router = Router(tags=["metrics"], auth=token_auth(Scope.REPORT))


class Sample(Body):
    """One counted or timed thing, or several of them in one."""

    name: str = Field(pattern=r"^[A-Za-z_][A-Za-z0-9_.:]{0,99}$", examples=["melt_operations_total"])
    kind: Literal["counter", "timing", "gauge"]
    value: float = Field(
        description="A counter's increment; the sum of `count` timings, in milliseconds; what a gauge stands at. "
        "Only a gauge may be below 0."
    )
    count: int = Field(1, ge=1, le=MOST_IN_ONE, description="Timings only.")
    labels: dict[str, str] = Field({}, max_length=MOST_LABELS, examples=[{"flag": "atomicMeltOperations"}])
    at: float | str | None = Field(None, description="Unix seconds, or RFC 3339 with an offset; now when left out.")


class Report(Body):
    """A batch. All of it is stored, or nothing and the answer names the field."""

    id: str | None = Field(None, max_length=LONGEST_ID, description="A batch with the same id is not counted again.")
    metrics: list[Sample] = Field(min_length=1, max_length=MOST_SAMPLES)


class BatchReceipt(Schema):
    stored: int
    duplicate: bool


def _described() -> dict[str, Any]:
    """The schema of the body, in one piece: an OpenAPI document resolves no reference into a part of itself."""
    schema = Report.model_json_schema()
    schema["properties"]["metrics"]["items"] = schema.pop("$defs")["Sample"]
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


@router.post("/metrics", response={202: BatchReceipt}, summary="Report metrics", openapi_extra=_described())
def report(request: HttpRequest) -> Status[ingest.Stored]:
    token = caller(request)
    return Status(202, ingest.store(token.environment, _body(request), now=timezone.now()))


def _body(request: HttpRequest) -> object:
    if request.content_type != "application/json":
        raise HttpError(415, "Send the batch as application/json.")
    if int(request.META.get("CONTENT_LENGTH") or 0) > MOST_BYTES:
        raise HttpError(413, f"A batch has at most {MOST_BYTES:,} bytes: send it in several.")
    try:
        return orjson.loads(request.body)
    except orjson.JSONDecodeError as error:
        raise HttpError(400, f"The body is not JSON: {error}.") from None
