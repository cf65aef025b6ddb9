"""What Node's stock OpenTelemetry exporters sent, byte for byte (`tests/data/otlp-node/record.mjs`)."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.test import Client

from core import environments
from core.actors import Actor
from flags.services import tokens
from monitoring.selectors import store

RECORDED = Path(__file__).parents[1] / "data" / "otlp-node"
AT = datetime(2026, 11, 26, 22, 35, 10, tzinfo=UTC)
PROCESS = ("1", "2", "3-restarted")  # 40 melts, 60 more, and 30 of the next process
TYPES = {"pb": "application/x-protobuf", "json": "application/json"}
FLAG = "atomicMeltOperations"


def stored(name: str, **labels: str) -> Any:
    """The rows of the one series of this name with these labels."""
    reads = store.read(environments.get("production").pk, name, start=0, end=2**40)
    (found,) = [read for read in reads if labels.items() <= dict(read.labels).items()]
    return found


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("temporality", ["cumulative", "delta"])
def test_what_node_counts_is_what_is_stored_also_sent_twice_and_after_a_restart(
    client: Client, all_environments: None, operator_actor: Actor, temporality: str, kind: str
) -> None:
    _, token = tokens.create("node", "production", ["report"], actor=operator_actor, now=AT)
    headers = {"HTTP_AUTHORIZATION": f"Bearer {token}", "HTTP_CONTENT_ENCODING": "gzip"}
    with time_machine.travel(AT, tick=False):
        for name in (*PROCESS, PROCESS[1]):
            body = (RECORDED / f"{temporality}-{name}.{kind}.gz").read_bytes()
            answer = client.post("/v1/metrics", body, content_type=TYPES[kind], **headers)
            assert (answer.status_code, answer.content) == (200, b"{}" if kind == "json" else b"")
    own = {"job": "nctool", "instance": f"{temporality}-{kind}"}
    for variant, melts in (("on", 130), ("off", 35)):
        counted = stored("melt_operations", **own, flag=FLAG, variant=variant)
        assert (counted.kind, sum(row.sum for row in counted.rows)) == ("counter", melts)
    took, seconds = stored("melt_took", **own, variant="on"), stored("melt_seconds", **own)
    assert [sum(row.n for row in read.rows) for read in (took, seconds)] == [130, 130]
    assert sum(row.sum for row in took.rows) == 117 * 250 + 13 * 4000
    assert sum(row.sum for row in seconds.rows) == 130 * 250  # told in seconds, kept in milliseconds
    sketches = store.sketches([seconds.series_id], start=0, end=2**40)[seconds.series_id].values()
    assert [sketch.quantile(0.95) for sketch in sketches] == [pytest.approx(250, rel=0.01)] * len(sketches)
    assert [stored(name, **own).rows[-1].last for name in ("melt_open", "pool_used")] == [2, 62.5]
    assert stored("melt_open", **own).kind == "gauge"
