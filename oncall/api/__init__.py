"""`/api/v1/oncall` and `/api/v1/escalations`."""

from ninja import Router

from oncall.api.escalations import router as escalations
from oncall.api.schedules import router as schedules

router = Router()
router.add_router("", schedules)
router.add_router("", escalations)

__all__ = ["router"]
