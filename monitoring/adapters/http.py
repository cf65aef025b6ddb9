"""Prometheus' HTTP API, and addresses that are probed."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson
import requests

from monitoring.adapters.ports import Fetched, Sample, Track, Unavailable, Unreachable

MOST_BYTES = 10 * 1024 * 1024
MOST_SERIES = 2_000
STRANGE = "It answers, and not as a Prometheus would."


class HttpPrometheus:
    """One server. Redirects are not followed: nobody but this server gets the secret."""

    def __init__(self, url: str, *, auth: requests.auth.AuthBase | tuple[str, str] | None, timeout: float) -> None:
        self._url, self._auth, self._timeout = url.rstrip("/"), auth, timeout

    def query(self, expr: str, *, at: float) -> Sequence[Sample]:
        answer = self._get("/api/v1/query", {"query": expr, "time": f"{at:.3f}"})
        return _samples(answer)

    def over(self, expr: str, *, start: float, end: float, step: int) -> Sequence[Track]:
        form = {"query": expr, "start": f"{start:.3f}", "end": f"{end:.3f}", "step": str(step)}
        return _tracks(self._get("/api/v1/query_range", form))

    def _get(self, path: str, form: dict[str, str]) -> Any:
        try:
            with requests.post(
                self._url + path,
                data=form,
                auth=self._auth,
                timeout=self._timeout,
                allow_redirects=False,
                stream=True,
            ) as response:
                body = _read(response, self._timeout)
        except requests.RequestException as error:
            raise Unreachable(_said(error, self._timeout)) from None
        return _data(response.status_code, body)


class HttpProbe:
    """An address that answers 2xx while all is well."""

    def __init__(self, url: str, *, timeout: float) -> None:
        self._url, self._timeout = url, timeout

    def fetch(self) -> Fetched:
        started = time.monotonic()
        try:
            with requests.get(self._url, timeout=self._timeout, allow_redirects=False, stream=True) as response:
                return Fetched(response.status_code, (time.monotonic() - started) * 1000)
        except requests.RequestException as error:
            raise Unavailable(_said(error, self._timeout)) from None


class Bearer(requests.auth.AuthBase):
    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


def credentials(key: str, auth: str) -> requests.auth.AuthBase | tuple[str, str] | None:
    """How to sign in at a source, from `SOURCE_<KEY>_TOKEN`, or `_USER` and `_PASSWORD`, or files named by `…_FILE`.

    Raises Unavailable when they are not set.
    """
    if auth == "none":
        return None
    prefix = f"SOURCE_{key.upper().replace('-', '_')}"
    if auth == "bearer":
        return Bearer(_secret(f"{prefix}_TOKEN"))
    return _secret(f"{prefix}_USER"), _secret(f"{prefix}_PASSWORD")


def _secret(name: str) -> str:
    file = os.environ.get(f"{name}_FILE")
    try:
        value = Path(file).read_text(encoding="utf-8").strip() if file else os.environ.get(name, "")
    except OSError as error:
        raise Unavailable(f"{name}_FILE cannot be read: {error.strerror}.") from None
    if not value:
        raise Unavailable(f"{name} is not set in the environment of the worker.")
    return value


def _read(response: requests.Response, timeout: float) -> bytes:
    """The body, up to its limits: a server that drips is as good as one that hangs."""
    end = time.monotonic() + timeout
    body = b""
    for part in response.iter_content(65_536):
        body += part
        if len(body) > MOST_BYTES:
            raise Unavailable(f"It answers with more than {MOST_BYTES // 1024 // 1024} MB: ask for less.")
        if time.monotonic() > end:
            raise Unreachable(f"It did not end its answer within {timeout:g} s.")
    return body


def _data(status: int, body: bytes) -> Any:
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError:
        answer = None
    if isinstance(answer, dict) and answer.get("status") == "success" and status == 200:
        return answer.get("data")
    told = str(answer.get("error", "")) if isinstance(answer, dict) else ""
    raise Unavailable(f"It answers {status}{': ' + told[:200] if told else ', and not as a Prometheus would'}.")


def _samples(data: Any) -> list[Sample]:
    try:
        if data["resultType"] == "scalar":
            return [Sample({}, float(data["result"][0]), float(data["result"][1]))]
        if data["resultType"] != "vector":
            raise Unavailable("It answers with a range: the query has to give one value for each series.")
        return [Sample(_labels(row["metric"]), float(row["value"][0]), float(row["value"][1])) for row in _rows(data)]
    except (KeyError, TypeError, ValueError, IndexError):
        raise Unavailable(STRANGE) from None


def _tracks(data: Any) -> list[Track]:
    try:
        return [
            Track(_labels(row["metric"]), [(float(at), float(value)) for at, value in row["values"]])
            for row in _rows(data)
        ]
    except (KeyError, TypeError, ValueError, IndexError):
        raise Unavailable(STRANGE) from None


def _rows(data: Any) -> Sequence[Any]:
    rows = data["result"]
    if len(rows) > MOST_SERIES:
        raise Unavailable(f"It answers with {len(rows):,} series, more than {MOST_SERIES:,}: aggregate them.")
    return list(rows)


def _labels(metric: dict[str, Any]) -> dict[str, str]:
    return {str(name): str(value) for name, value in metric.items() if name != "__name__"}


def _said(error: requests.RequestException, timeout: float) -> str:
    if isinstance(error, requests.Timeout):
        return f"It did not answer within {timeout:g} s."
    if isinstance(error, requests.exceptions.SSLError):
        return "Its certificate cannot be trusted."
    return "Nobody answers there." if isinstance(error, requests.ConnectionError) else f"{type(error).__name__}."
