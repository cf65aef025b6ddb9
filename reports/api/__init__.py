"""The dashboard and the reports over `/api/v1`."""

from ninja import Router

from reports.api import dashboard, rest

router = Router()
router.add_router("", dashboard.router)
router.add_router("", rest.router)
