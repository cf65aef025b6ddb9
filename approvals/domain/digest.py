"""What an approval is for, in one short text."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any


def digest(asked: Mapping[str, Any]) -> str:
    """SHA-256 in hex of the canonical JSON of all that was asked for: equal for equal values, whatever their order."""
    text = json.dumps(asked, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()
