"""The eighteen of the strategy are in the playbook as the strategy has them, and the document tells what they are."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from core import events
from core.actors import Actor
from core.errors import Invalid
from kpis import selectors
from kpis.domain.definition import Definition
from kpis.domain.delivery import FAILS_WITHIN, ONE_DEPLOYMENT
from kpis.domain.formula import formula
from kpis.models import Kpi
from kpis.services import registry
from nctool_rollout.playbook.kpis import document_of, exported, flaws, items_of
from nctool_rollout.playbook.problems import PlaybookError
from nctool_rollout.playbook.validation import load_text
from tests.kpis.conftest import FILE

if TYPE_CHECKING:
    from nctool_rollout.playbook.model import Playbook

DOCUMENT = Path(__file__).parents[2] / "docs" / "kpis.md"
SEED = {  # seed: technicalSuccessMetrics, then businessSuccessMetrics
    "uptime": "99.9",
    "errorRate": "<1%",
    "responseTime": "<3s",
    "throughput": ">10 TPS",
    "latency": "<500ms",
    "resourceUtilization": "<80%",
    "balanceAccuracy": "100%",
    "transactionConsistency": "100%",
    "doubleCountingPrevention": "100%",
    "operationSuccessRate": ">99%",
    "userSatisfaction": ">4.5/5",
    "supportTicketReduction": ">20%",
    "deploymentFrequency": "Weekly",
    "meanTimeToRecovery": "<15min",
    "changeFailureRate": "<5%",
    "operationalCostReduction": ">10%",
    "errorCostReduction": ">50%",
    "maintenanceEfficiency": ">25%",
}


def found(strategy: Playbook) -> list[Definition]:
    return [Definition.read(key, document_of(kpi)) for key, kpi in strategy.kpis.items()]


def test_the_targets_are_those_of_the_seed_in_its_order(strategy: Playbook) -> None:
    assert {each.key: each.target.text for each in found(strategy)} == SEED
    assert list(strategy.kpis) == list(SEED)


def test_every_metric_a_kpi_reads_is_one_that_is_reported_or_probed(strategy: Playbook) -> None:
    queries = " ".join(metric.query for metric in strategy.metrics.values())
    known = {"up", "probe_ms", "system_load"}
    for each in found(strategy):
        for selection in (each.part, each.of):
            assert selection is None or selection.metric in known or selection.metric in queries


def test_the_document_tells_how_each_is_computed(strategy: Playbook) -> None:
    text = DOCUMENT.read_text()
    for each in found(strategy):
        cells = (f"`{each.key}`", each.target.text, f"`{formula(each)}`", f"{each.window} days", str(each.min_samples))
        row = f"| {' | '.join((*cells, each.counted, each.owner))} |"
        assert row in text, row
    assert f"within {FAILS_WITHIN.total_seconds() / 3600:g} hours" in text
    assert f"within {ONE_DEPLOYMENT.total_seconds() / 60:g} minutes" in text


def test_a_playbook_exports_the_kpis_that_it_was_loaded_from(strategy: Playbook, kpis: dict[str, Any]) -> None:
    standing = {("kpis", row.key): registry.values_of(row) for row in Kpi.objects.all()}
    assert standing == items_of(strategy.kpis)
    again = exported(standing)
    assert list(again) == list(SEED)
    assert again["uptime"] == {
        "name": "Uptime",
        "group": "Reliability",
        "target": "99.9",
        "unit": "%",
        "better": "higher",
        "owner": "operations-team",
        "meaning": "How often the health address of nctool answered, of all tries of the probe.",
        "counted": "tries",
        "measure": "mean",
        "minSamples": 1000,
        "of": {"metric": "up", "labels": {}},
        "scale": 100.0,
    }


def test_a_kpi_that_contradicts_itself_is_told_with_its_line(strategy: Playbook) -> None:
    with pytest.raises(PlaybookError) as refused:
        load_text(FILE.read_text().replace("target: <500ms", "target: <500s"), file="x.yaml")
    assert "x.yaml" in str(refused.value)
    assert "The target is in s, and the unit is ms." in str(refused.value)
    assert not list(flaws(strategy.kpis))


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"measure": "share"}, "part"),
        ({"of": None}, "of"),
        ({"scale": float("nan")}, "scale"),
        ({"min_samples": 0}, "min_samples"),
        ({"window": 93}, "window"),
        ({"complement": True}, "complement"),
        ({"check": "atomicOperations"}, "check"),
        ({"evidence": "x"}, "evidence"),
        ({"owner": " "}, "owner"),
        ({"current": 99.95}, "current"),
        ({"better": "sideways"}, "better"),
    ],
)
def test_a_definition_that_cannot_be_computed_is_refused_with_its_field(
    change: dict[str, Any], field: str, strategy: Playbook
) -> None:
    with pytest.raises(Invalid) as refused:
        Definition.read("uptime", {**document_of(strategy.kpis["uptime"]), **change})
    assert refused.value.field == field


def test_a_definition_that_changes_is_told_once_with_what_it_was(
    kpis: dict[str, Any], operator_actor: Actor, now: datetime
) -> None:
    told = {"actor": operator_actor, "reason": "sharper", "now": now}
    for _ in range(2):
        registry.define("errorRate", {**kpis["errorRate"], "target": "<0.5%"}, **told)
    (event,) = events.about("kpi:errorRate").filter(kind="kpi.changed")
    assert (event.before["target"], event.after["target"]) == ("<1%", "<0.5%")
    assert [each.key for each in selectors.definitions()] == list(SEED)
