"""A server that misbehaves, and quick clients of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from nctool_flags import Flags

from tests.clients.misbehaving import TOKEN, Server, serving

Make = Callable[..., Flags]


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as server:
        yield server


@pytest.fixture
def make(server: Server, tmp_path: Path) -> Iterator[Make]:
    """A quick client of the server, closed at the end."""
    made: list[Flags] = []

    def client(**told: Any) -> Flags:
        plain = {"copy": tmp_path / "copy.json", "poll_seconds": 0.05, "report_seconds": 0, "stream": False}
        flags = Flags(server.url, TOKEN, **{**plain, "timeout": 5, "environment": "production", **told})
        made.append(flags)
        return flags

    yield client
    for flags in made:
        flags.close()
