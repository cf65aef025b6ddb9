"""The monitoring's doors for machines."""

from __future__ import annotations

from ninja import Router

from monitoring.api.complaints import router as complaints
from monitoring.api.metrics import router as metrics
from monitoring.api.query import router as query
from monitoring.api.triggers import router as triggers

router = Router()
router.add_router("", metrics)
router.add_router("", query)
router.add_router("", triggers)
router.add_router("", complaints)

__all__ = ["router"]
