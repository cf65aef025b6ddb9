"""The monitoring's doors for machines: report metrics, read and re-arm triggers."""

from __future__ import annotations

from ninja import Router

router = Router(tags=["monitoring"])
