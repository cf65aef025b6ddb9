"""Reads of the KPIs. For reports and everything above:

`board(environment_id, start=…, end=…)` gives one typed `kpis.domain.figure.Figure` for each KPI of the playbook, in the
playbook's order: over the days of the environment that begin from `start` to before `end`, with the same number of
days before as `figure.before`. Four queries, whatever the amounts. `kpis.domain.trend.trend(figure, figure.before)`
and `kpis.domain.words.told(figure)` put them in sentences; `figure.status` is met, missed, too_few or no_data.
A figure from outside is reported for weeks or months: it covers at least its own window, and `figure.period` says what.

`kpis.selectors.delivery.delivery(environment, period)` gives the deployments, lead times and restored incidents.
"""

from kpis.selectors.figures import board, current, history
from kpis.selectors.registry import definitions, get

__all__ = ["board", "current", "definitions", "get", "history"]
