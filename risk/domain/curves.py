"""How bad a factor is, from 0 to 100: piecewise straight lines through the thresholds of the strategy.

Between two points the line is straight; before the first and after the last it is level. Every point stands for a
number of the seed, so that 25, 50, 75 and 100 mean the same for every factor: worth a look, people are alerted, it is
serious, it is rolled back.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from enum import StrEnum
from itertools import pairwise


class Factor(StrEnum):
    """The seed's five (Risk Monitoring)."""

    ERROR_RATE = "errorRate"
    RESPONSE_TIME = "responseTime"
    THROUGHPUT = "throughput"
    USER_COMPLAINTS = "userComplaints"
    SYSTEM_LOAD = "systemLoad"


Points = Sequence[tuple[float, float]]

WEIGHTS: dict[Factor, float] = {  # seed: calculateRiskScore
    Factor.ERROR_RATE: 0.3,
    Factor.RESPONSE_TIME: 0.2,
    Factor.THROUGHPUT: 0.2,
    Factor.USER_COMPLAINTS: 0.2,
    Factor.SYSTEM_LOAD: 0.1,
}
CURVES: dict[Factor, Points] = {
    # percent: 0.5 is phase 1's trigger, 1 the alert, 2 the deployment alert, 5 the automatic rollback
    Factor.ERROR_RATE: ((0, 0), (0.5, 25), (1, 50), (2, 75), (5, 100)),
    # milliseconds: 500 is the target of latency, 3000 the alert, 5000 the automatic rollback
    Factor.RESPONSE_TIME: ((500, 0), (1500, 25), (3000, 50), (4000, 75), (5000, 100)),
    # transactions a second: 10 is the least that is right, half of it a drop of 50 %, which is rolled back
    Factor.THROUGHPUT: ((0, 100), (5, 100), (7.5, 75), (10, 50), (12.5, 25), (15, 0)),
    # users in ten minutes: more than 5 is rolled back
    Factor.USER_COMPLAINTS: ((0, 0), (1, 25), (3, 50), (5, 75), (6, 100)),
    # percent: 80 is the target of resource utilisation
    Factor.SYSTEM_LOAD: ((50, 0), (65, 25), (80, 50), (90, 75), (100, 100)),
}
METRICS = {  # of the catalogue
    Factor.ERROR_RATE: "error_rate",
    Factor.RESPONSE_TIME: "avg_response_time",
    Factor.THROUGHPUT: "throughput",
    Factor.USER_COMPLAINTS: "user_complaints",
    Factor.SYSTEM_LOAD: "system_load",
}
UNITS = {
    Factor.ERROR_RATE: "%",
    Factor.RESPONSE_TIME: "ms",
    Factor.THROUGHPUT: "TPS",
    Factor.USER_COMPLAINTS: "users",
    Factor.SYSTEM_LOAD: "%",
}


def normalised(factor: Factor, value: float) -> float:
    """0 (as it should be) to 100 (what is rolled back)."""
    points = CURVES[factor]
    index = bisect_right([x for x, _ in points], value)
    if index == 0:
        return float(points[0][1])
    if index == len(points):
        return float(points[-1][1])
    (x0, y0), (x1, y1) = list(pairwise(points))[index - 1]
    return y0 + (y1 - y0) * (value - x0) / (x1 - x0)
