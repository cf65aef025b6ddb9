"""The doors of the risk for machines."""

from __future__ import annotations

from ninja import Router

router = Router()
