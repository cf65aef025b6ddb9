"""The doors of the alerts for machines."""

from __future__ import annotations

from ninja import Router

from alerting.api.alerts import router as alerts
from alerting.api.incoming import router as incoming

router = Router()
router.add_router("", alerts)
router.add_router("", incoming)

__all__ = ["router"]
