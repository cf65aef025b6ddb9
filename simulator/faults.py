"""Faults on demand: what is wrong with a new path, until it is switched off or the fault is cleared.

A fault hits only melts that have its flag on. They travel through a file that the running simulator reads
again every half second.
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path

from simulator.ledger import Spoilt
from simulator.plan import ATOMIC, FLAGS, Melt

SEVERITIES = ("CRITICAL", "HIGH", "MEDIUM", "LOW")


class Kind(StrEnum):
    """`rate` is percent of melts, milliseconds, complaints a minute, percent of load; nothing for silence and down.

    `double` and `loss` spoil what an atomic melt writes (ledger.Spoilt), and nobody is told.
    """

    ERRORS = "errors"
    LATENCY = "latency"
    COMPLAINTS = "complaints"
    SILENCE = "silence"
    LOAD = "load"
    DOWN = "down"
    DOUBLE = "double"
    LOSS = "loss"


MOST = {
    Kind.ERRORS: 100.0,
    Kind.LATENCY: 600_000.0,
    Kind.COMPLAINTS: 600.0,
    Kind.SILENCE: 0.0,
    Kind.LOAD: 100.0,
    Kind.DOWN: 0.0,
    Kind.DOUBLE: 100.0,
    Kind.LOSS: 100.0,
}
UNIT = {
    Kind.ERRORS: "percent of the melts",
    Kind.LATENCY: "milliseconds",
    Kind.COMPLAINTS: "complaints a minute",
    Kind.SILENCE: "",
    Kind.LOAD: "percent of the system",
    Kind.DOWN: "",
    Kind.DOUBLE: "percent of the melts spend a token twice",
    Kind.LOSS: "percent of the melts lose their change",
}
STANDING = frozenset({Kind.COMPLAINTS, Kind.LOAD, Kind.DOWN})  # those that last while users have the flag on


SPOILING = frozenset({Kind.DOUBLE, Kind.LOSS})


class BadFault(ValueError):
    """A fault that cannot be played; the text says what would be accepted."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault. There is at most one of each kind per flag. `severity` belongs to errors."""

    kind: Kind
    flag: str
    rate: float = 0.0
    severity: str = "HIGH"

    def __post_init__(self) -> None:
        if self.flag not in FLAGS:
            raise BadFault(f"There is no flag {self.flag!r} in nctool. Known: {', '.join(FLAGS)}.")
        if self.kind in SPOILING and self.flag != ATOMIC:
            raise BadFault(f"{self.kind} spoils atomic melts: its flag is {ATOMIC}.")
        if self.severity not in SEVERITIES:
            raise BadFault(f"{self.severity!r} is no severity. Known: {', '.join(SEVERITIES)}.")
        most = MOST[self.kind]
        if most and not 0 < self.rate <= most:
            raise BadFault(f"{self.kind} needs a rate above 0 and up to {most:g} ({UNIT[self.kind]}).")

    def __str__(self) -> str:
        if self.kind is Kind.SILENCE:
            return f"silence: melts with {self.flag} on are not reported at all"
        if self.kind is Kind.DOWN:
            return f"down: the health address answers 503 while {self.flag} is on for anybody"
        severity = f", severity {self.severity}" if self.kind is Kind.ERRORS else ""
        return f"{self.kind}: {self.rate:g} {UNIT[self.kind]} with {self.flag} on{severity}"


@dataclass(frozen=True, slots=True)
class Harm:
    """What the faults do to one melt. `errors` is severity by the flag whose path fails."""

    errors: Mapping[str, str]
    extra_ms: float
    unreported: bool
    spoilt: Spoilt = Spoilt.NOT


def harm(melt: Melt, faults: Iterable[Fault], on: Collection[str]) -> Harm:
    """The faults that meet this melt, given the flags it has on."""
    met = [fault for fault in faults if fault.flag in on]
    spoiling = (fault.kind for fault in met if fault.kind in SPOILING and melt.luck < fault.rate)
    failing = (fault for fault in met if fault.kind is Kind.ERRORS and melt.luck < fault.rate)
    return Harm(
        errors={fault.flag: fault.severity for fault in failing},
        extra_ms=sum(fault.rate for fault in met if fault.kind is Kind.LATENCY),
        unreported=any(fault.kind is Kind.SILENCE for fault in met),
        spoilt=Spoilt(next(spoiling, "")),
    )


def add(faults: Iterable[Fault], new: Fault) -> list[Fault]:
    """With the new one in place of one of the same kind and flag."""
    return [*(fault for fault in faults if (fault.kind, fault.flag) != (new.kind, new.flag)), new]


def write(path: Path, faults: Iterable[Fault]) -> None:
    """Replace the file in one step: a reader sees the old faults or the new ones."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(f".{os.getpid()}.new")
    fresh.write_text(json.dumps([asdict(fault) for fault in faults]), encoding="utf-8")
    fresh.replace(path)


def read(path: Path) -> list[Fault]:
    """The faults in the file, none when there is no file. BadFault when it holds something else."""
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
        return [Fault(**{**row, "kind": Kind(row["kind"])}) for row in rows]
    except FileNotFoundError:
        return []
    except BadFault:
        raise
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise BadFault(f"{path} holds no faults ({error}). Clear them to start over.") from error
