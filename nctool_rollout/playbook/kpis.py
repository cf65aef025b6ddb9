"""The part of a playbook about success: its KPIs (seed, Success Metrics and KPIs). docs/kpis.md explains it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, Field
from pydantic.alias_generators import to_camel

from core.errors import Invalid
from kpis.domain.definition import LONGEST_WINDOW, Definition, Measure
from kpis.domain.target import Better
from nctool_rollout.playbook.fields import Name, Part
from nctool_rollout.playbook.problems import Path
from nctool_rollout.playbook.watching import Selection

KpiKey = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9-]{0,59}$")]
USUAL = {"window": 28, "min_samples": 1, "complement": False, "scale": 1.0, "check": "", "evidence": "", "unit": ""}


def _as_text(value: Any) -> Any:
    """YAML takes a bare 99.9 for a number."""
    return f"{value:g}" if isinstance(value, int | float) and not isinstance(value, bool) else value


class Kpi(Part):
    """One KPI. Their order in the file is that of the board."""

    name: Name
    group: Annotated[str, Field(min_length=1, max_length=60)]
    target: Annotated[
        str, BeforeValidator(_as_text), Field(max_length=40, description="Like <1%, >10 TPS, 99.9 or Weekly.")
    ]
    unit: Annotated[str, Field(max_length=20)] = ""
    better: Annotated[Better, Field(description="Which way is good.")]
    owner: Name
    meaning: Annotated[str, Field(min_length=1, max_length=2000)]
    counted: Annotated[str, Field(min_length=1, max_length=60, description="Its samples, in the plural: melts.")]
    measure: Annotated[Measure, Field(description="How it is computed; reduction and value come from outside.")]
    window_days: Annotated[int, Field(ge=1, le=LONGEST_WINDOW, description="That a figure covers.")] = 28
    min_samples: Annotated[int, Field(ge=1, description="Fewer are not judged.")] = 1
    part: Annotated[Selection | None, Field(description="Of a share: what is counted.")] = None
    of: Annotated[Selection | None, Field(description="Of a share: of what; of a mean or rate: the metric.")] = None
    complement: Annotated[bool, Field(description="Of a share: what is counted is bad, the KPI is what is left.")] = (
        False
    )
    scale: Annotated[float, Field(gt=0, description="Of a mean: what it is multiplied with.")] = 1.0
    check: Annotated[str, Field(max_length=60, description="Of a validation: one of the six.")] = ""
    evidence: Annotated[str, Field(max_length=120, description="Of the check; as a whole, if left out.")] = ""


def items_of(kpis: Mapping[str, Kpi]) -> dict[tuple[str, ...], Any]:
    """What the playbook wants, as `wanted.items` has it."""
    return {("kpis", key): {**document_of(kpi), "position": number} for number, (key, kpi) in enumerate(kpis.items())}


def document_of(kpi: Kpi) -> dict[str, Any]:
    """The KPI as `Definition.read` takes it."""
    values = kpi.model_dump(mode="json", exclude={"window_days"})
    selections = {name: _selection(getattr(kpi, name)) for name in ("part", "of")}
    return {**values, **selections, "window": kpi.window_days}


def exported(items: Mapping[tuple[str, ...], Any]) -> dict[str, Any]:
    """The section of a playbook that loads to these items."""
    rows = {item[1]: values for item, values in items.items() if item[0] == "kpis"}
    return {key: _told(rows[key]) for key in sorted(rows, key=lambda key: int(rows[key]["position"]))}


def flaws(kpis: Mapping[str, Kpi]) -> Iterator[tuple[Path, str]]:
    """What is wrong with a KPI as a whole, and where."""
    for key, kpi in kpis.items():
        try:
            Definition.read(key, document_of(kpi))
        except Invalid as error:
            field = "windowDays" if error.field == "window" else to_camel(error.field or "")
            yield ("kpis", key, field), str(error)


def _selection(selection: Selection | None) -> dict[str, Any] | None:
    if selection is None:
        return None
    source = {"source": selection.source} if selection.source else {}
    return {"metric": selection.metric, "labels": selection.labels, **source}


def _told(values: Mapping[str, Any]) -> dict[str, Any]:
    """The row without what a file may leave out."""
    told = {
        name: value
        for name, value in values.items()
        if name != "position" and value is not None and USUAL.get(name, ...) != value
    }
    return {"windowDays" if name == "window" else to_camel(name): value for name, value in told.items()}
