"""Channels as rows, and what takes a message for each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from communications.adapters.ports import Sender
from communications.domain.channels import ChannelKind


def connect(kind: ChannelKind, settings: Mapping[str, Any], secret: str) -> Sender:
    """Filled in by the branch of the channels."""
    raise NotImplementedError
