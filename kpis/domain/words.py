"""Figures as people read them."""

from __future__ import annotations

from kpis.domain.figure import Figure, Status

STATUS = {
    Status.MET: "met",
    Status.MISSED: "not met",
    Status.TOO_FEW: "too few to judge",
    Status.NO_DATA: "no data",
}


def amount(value: float, unit: str) -> str:
    """A value with its unit: `99.95 %`, `1.2 s`, `4.6/5`, `3 a week`. As many decimals as its size lets matter.

    Never rounded up to 100 %: 99.9996 % is not everything.
    """
    size = abs(value)
    decimals = 0 if size >= 1_000 else 1 if size >= 100 else 2 if size >= 1 else 3
    text = f"{value:,.{decimals}f}"
    if unit == "%" and 99 <= value < 100:
        text = _below_all(value)
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    text = "0" if text == "-0" else text
    return f"{text}{unit}" if unit.startswith("/") or not unit else f"{text} {unit}"


def _below_all(value: float) -> str:
    return next((text for decimals in (2, 3, 4, 6) if float(text := f"{value:.{decimals}f}") < 100), "99.999999")


def told(figure: Figure) -> str:
    """The figure in one sentence."""
    name, target = figure.definition.name, figure.target.text
    if figure.value is None:
        return f"{name}: no data ({figure.why}); the target is {target}."
    value = amount(figure.value, figure.target.unit)
    if figure.status is Status.TOO_FEW:
        return f"{name}: {value}, {figure.why} {figure.definition.counted}; the target {target} is not judged."
    doubt = "" if figure.sure else ", though chance alone can make the difference"
    return f"{name}: {value}, target {target} {STATUS[figure.status]}{doubt}."
