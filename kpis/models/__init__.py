"""Tables of this app."""

from kpis.models.kpi import Day, Kpi, Standing
from kpis.models.outside import OutsideFigure

__all__ = ["Day", "Kpi", "OutsideFigure", "Standing"]
