"""What a command said, fit to be kept and shown: no secret in it, and not endless."""

from __future__ import annotations

import re
from collections.abc import Collection

MOST = 2000  # characters
_SECRETS = (
    (re.compile(r"eyJ[\w-]{8,}\.[\w.-]+"), "[secret]"),  # a JWT, as service accounts have
    (re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]+"), r"\1 [secret]"),
    (re.compile(r"(?i)\b([\w-]*(?:token|password|passwd|secret|key))(\s*[=:]\s*)(\"[^\"]*\"|\S+)"), r"\1\2[secret]"),
    (re.compile(r"(\w+://)[^/\s:@]+:[^/\s@]+@"), r"\1[secret]@"),
)


def masked(text: str, *, secrets: Collection[str] = (), most: int = MOST) -> str:
    """The text without `secrets` and what looks like one, its end cut off above `most` characters."""
    for secret in sorted((one for one in secrets if one), key=len, reverse=True):
        text = text.replace(secret, "[secret]")
    for pattern, instead in _SECRETS:
        text = pattern.sub(instead, text)
    text = text.replace("\x00", "").strip()
    return text if len(text) <= most else f"{text[:most]}…"
