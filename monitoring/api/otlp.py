"""OTLP over HTTP: `POST /v1/metrics` and `POST /otlp/v1/metrics`, protobuf or JSON, gzip or plain."""

from __future__ import annotations

import zlib
from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST
from google.protobuf import json_format
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)

from core.errors import DomainError
from flags.api.auth import admit, text_of
from flags.services.tokens import Scope
from monitoring.domain.metrics import Push
from monitoring.services import points

PROTOBUF, JSON = "application/x-protobuf", "application/json"
MOST_BYTES = 10 * 1024 * 1024  # unpacked


class Refused(Exception):
    """The request as a whole cannot be taken."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


@csrf_exempt
@require_POST
def metrics(request: HttpRequest) -> HttpResponse:
    """Store what can be stored; what was left out is told by the answer's partial success, as OTLP has it."""
    kind = request.content_type if request.content_type in (PROTOBUF, JSON) else PROTOBUF
    try:
        token = admit(text_of(request), [Scope.REPORT])
        if token is None:
            raise Refused(401, "Send a live token with the scope report: Authorization: Bearer <token>.")
        body = _unpacked(request)
        found = points.store(token.environment, Push.OTLP, _read(request, body), body=body, now=timezone.now())
    except Refused as error:
        return _status(error.status, str(error), kind)
    except DomainError as error:
        response = _status(400 if error.status == 422 else error.status, str(error), kind)
        if error.status == 429:
            response["Retry-After"] = str(getattr(error, "retry_after", 1))
        return response
    answer = ExportMetricsServiceResponse()
    if found.rejected:
        answer.partial_success.rejected_data_points = found.rejected.total()
        answer.partial_success.error_message = found.complaint
    if kind == JSON:
        return HttpResponse(orjson.dumps(json_format.MessageToDict(answer)), content_type=JSON)
    return HttpResponse(answer.SerializeToString(), content_type=PROTOBUF)


def _unpacked(request: HttpRequest) -> bytes:
    if request.content_type not in (PROTOBUF, JSON):
        raise Refused(415, f"Send {PROTOBUF} or {JSON}.")
    encoding = request.headers.get("Content-Encoding", "").lower()
    if encoding not in ("", "identity", "gzip"):
        raise Refused(415, "Send it plain or packed by gzip.")
    body = request.body
    if encoding == "gzip":
        unpacker = zlib.decompressobj(16 + zlib.MAX_WBITS)
        try:
            body = unpacker.decompress(body, MOST_BYTES + 1)
        except zlib.error:
            raise Refused(400, "The body is not packed by gzip.") from None
    if len(body) > MOST_BYTES:
        raise Refused(413, f"At most {MOST_BYTES:,} bytes, unpacked: send it in several.")
    if not body:
        raise Refused(400, "The body is empty.")
    return body


def _read(request: HttpRequest, body: bytes) -> ExportMetricsServiceRequest:
    found = ExportMetricsServiceRequest()
    try:
        if request.content_type == PROTOBUF:
            found.ParseFromString(body)
        else:
            json_format.ParseDict(_without_exemplars(orjson.loads(body)), found, ignore_unknown_fields=True)
    except (DecodeError, json_format.ParseError, orjson.JSONDecodeError, RecursionError, TypeError) as error:
        raise Refused(400, f"The body is no OTLP metrics request: {str(error)[:200]}") from None
    return found


def _without_exemplars(document: Any) -> Any:
    """OTLP writes their ids in hexadecimal, which the JSON of protobuf does not know; we keep no exemplars."""
    if isinstance(document, dict):
        return {name: _without_exemplars(value) for name, value in document.items() if name != "exemplars"}
    return [_without_exemplars(one) for one in document] if isinstance(document, list) else document


def _status(status: int, text: str, kind: str) -> HttpResponse:
    """A `google.rpc.Status`, which is what OTLP's senders read; its second field is the message."""
    if kind == JSON:
        return HttpResponse(orjson.dumps({"message": text}), status=status, content_type=JSON)
    message = text.encode()[:1000]
    length = bytes([len(message)]) if len(message) < 128 else bytes([len(message) & 0x7F | 0x80, len(message) >> 7])
    return HttpResponse(b"\x12" + length + message, status=status, content_type=PROTOBUF)
