"""The REST doors of the ramps and of the validations."""

from __future__ import annotations

from ninja import Router

from rollouts.api.rest import router as ramps
from rollouts.api.validations import router as validations

router = Router()
router.add_router("", ramps)
router.add_router("", validations)

__all__ = ["router"]
