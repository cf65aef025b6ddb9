"""The flags that every contestant of benchmarks/peers.py has: boolean, at 1 to 99 percent."""

from __future__ import annotations

from collections.abc import Callable

FLAGS = 100
KEYS = [f"feature{number}" for number in range(FLAGS)]
PERCENTS = dict(zip(KEYS, (1 + number % 99 for number in range(FLAGS)), strict=True))

Ask = Callable[[str, list[str]], object]  # a new unit and the keys of flags: one request
