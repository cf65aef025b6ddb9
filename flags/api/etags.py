"""What a flag's `ETag` is, and what `If-Match` and `If-None-Match` ask for.

The tag is the version of the flag's state and that of its definition. The server makes it weak (`W/`) where it
compresses the answer; both forms are taken back.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from django.http import HttpRequest

from core.errors import Conflict, Invalid, StaleVersion

if TYPE_CHECKING:
    from flags.models import FlagState

_TAG = re.compile(r'(?:W/)?"(\d{1,9})\.(\d{1,9})"')


class PreconditionFailed(Conflict):
    """If-Match names nothing that ever was an ETag here."""

    status = 412


def etag(state: FlagState) -> str:
    return f'"{state.version}.{state.flag.version}"'


def is_known(request: HttpRequest, tag: str) -> bool:
    """Whether the caller has what this tag stands for (If-None-Match)."""
    known = [each.strip().removeprefix("W/") for each in request.headers.get("If-None-Match", "").split(",")]
    return tag in known or known == ["*"]


def expected(request: HttpRequest, state: FlagState, version: int | None) -> int | None:
    """The version that the caller wants to change: of the body, or of If-Match. `state` is the flag as it is now.

    Raises:
        StaleVersion: the flag's definition has moved on. What moved on of its state, the service tells.
        PreconditionFailed: If-Match is no tag of a flag.
        Invalid: the body and If-Match name different versions.
    """
    header = request.headers.get("If-Match", "*").strip()
    if header == "*":
        return version
    found = _TAG.fullmatch(header)
    if found is None:
        raise PreconditionFailed(f"If-Match: {header[:60]} is not the ETag of a flag. Send one as you got it.")
    seen, definition = int(found[1]), int(found[2])
    if definition != state.flag.version:
        raise StaleVersion(state.flag.key, expected=definition, actual=state.flag.version)
    if version not in (None, seen):
        raise Invalid(f"The body names version {version}, If-Match version {seen}: send one of them.", field="version")
    return seen
