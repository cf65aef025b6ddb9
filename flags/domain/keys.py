"""What a flag may be called."""

from __future__ import annotations

import re

KEY_PATTERN = r"^[A-Za-z0-9._-]{1,100}$"
KEY_HELP = "A flag key has 1 to 100 letters, digits, dots, underscores or hyphens."
_KEY = re.compile(KEY_PATTERN)


def is_key(text: str) -> bool:
    """OFREP providers do not percent-encode keys, so only these characters travel safely in a URL."""
    return _KEY.fullmatch(text) is not None
