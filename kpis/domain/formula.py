"""How a KPI is computed, as people and a Prometheus read it."""

from __future__ import annotations

from kpis.domain.definition import Definition, Measure
from monitoring.domain.selection import Selection

OWN = {
    Measure.DEPLOYMENTS: "7 × deployments / days",
    Measure.FAILURES: "100 × deployments that failed / deployments",
    Measure.RESTORE: "sum of the minutes from begin to mitigation / incidents restored",
    Measure.SURVEY: "sum of the answers (1 to 5) / answers",
    Measure.REDUCTION: "100 × (baseline − current) / baseline, of what was reported",
    Measure.VALUE: "sum of what was reported / periods",
}
SOURCES = {
    Measure.SHARE: "measurements that nctool reports",
    Measure.MEAN: "measurements that are reported or probed",
    Measure.RATE: "measurements that nctool reports",
    Measure.VALIDATION: "validations of the deployment",
    Measure.DEPLOYMENTS: "the event log",
    Measure.FAILURES: "the event log and the incidents",
    Measure.RESTORE: "the incidents",
    Measure.SURVEY: "the survey of users",
    Measure.REDUCTION: "people: by form, CSV file or API",
    Measure.VALUE: "people: by form, CSV file or API",
}


def formula(definition: Definition) -> str:
    """The formula in one line."""
    of = selector(definition.of)
    match definition.measure:
        case Measure.SHARE if definition.complement:
            return f"100 − 100 × sum({selector(definition.part)}) / sum({of})"
        case Measure.SHARE:
            return f"100 × sum({selector(definition.part)}) / sum({of})"
        case Measure.MEAN:
            scale = "" if definition.scale == 1 else f"{definition.scale:g} × "
            return f"{scale}sum({of}) / number of its samples"
        case Measure.RATE:
            return f"sum({of}) / seconds"
        case Measure.VALIDATION:
            what = f"{definition.check}: {definition.evidence}" if definition.evidence else definition.check
            return f"100 × validations in which {what} holds / validations that looked at it"
        case _:
            return OWN[definition.measure]


def promql(definition: Definition) -> str:
    """The same for a Prometheus that has these metrics as counters; empty for what it cannot compute."""
    window = f"[{definition.window}d]"
    of = f"sum(increase({selector(definition.of)}{window}))"
    if definition.measure is Measure.RATE:
        return f"sum(rate({selector(definition.of)}{window}))"
    if definition.measure is not Measure.SHARE:
        return ""
    share = f"100 * sum(increase({selector(definition.part)}{window})) / {of}"
    return f"100 - {share}" if definition.complement else share


def selector(selection: Selection | None) -> str:
    """As PromQL writes it."""
    if selection is None:
        return ""
    labels = ", ".join(f'{name}="{value}"' for name, value in sorted(selection.labels.items()))
    return f"{selection.metric}{{{labels}}}" if labels else selection.metric
