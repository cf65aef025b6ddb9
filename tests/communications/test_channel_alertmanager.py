"""A real Alertmanager takes our alerts, keeps them open, and closes them.

The program is Debian's `prometheus-alertmanager`, or the one that ALERTMANAGER names.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from communications.adapters.alertmanager import Alertmanager
from communications.domain.alerts import Severity
from communications.domain.outgoing import Act, Receipt
from tests.communications.test_channel_senders import HOSTILE, MESSAGE
from tests.servers import free_port, running

PROGRAM = os.environ.get("ALERTMANAGER") or shutil.which("prometheus-alertmanager")
pytestmark = pytest.mark.skipif(not PROGRAM, reason="no Alertmanager is installed")
CONFIG = "route: {receiver: nobody}\nreceivers: [{name: nobody}]\n"


@pytest.fixture
def alertmanager(tmp_path: Path) -> Iterator[str]:
    (tmp_path / "config.yml").write_text(CONFIG)
    port = free_port()
    own = [f"--config.file={tmp_path / 'config.yml'}", f"--storage.path={tmp_path}", "--cluster.listen-address="]
    with running([str(PROGRAM), *own, f"--web.listen-address=127.0.0.1:{port}"], port=port):
        yield f"http://127.0.0.1:{port}"


def alerts(url: str, *, until: int) -> list[Any]:
    """What is open there, once it is so many."""
    end = time.monotonic() + 5
    found: list[Any] = []
    while time.monotonic() < end:
        found = requests.get(f"{url}/api/v2/alerts", timeout=5).json()
        if len(found) == until:
            break
        time.sleep(0.05)
    return found


def test_an_incident_is_one_alert_from_its_opening_to_its_end(alertmanager: str) -> None:
    channel, started = Alertmanager(alertmanager), datetime.now(UTC) - timedelta(minutes=10)
    opened = channel.send(replace(MESSAGE, act=Act.OPEN, thread="incident:1", at=started, text=HOSTILE))
    assert isinstance(opened, Receipt)
    (alert,) = alerts(alertmanager, until=1)
    assert alert["annotations"]["description"] == HOSTILE
    assert alert["labels"] == {"alertname": "NctoolRollout", "environment": "production", "thread": "incident:1"}
    assert datetime.fromisoformat(alert["endsAt"]) > datetime.now(UTC) + timedelta(hours=3)

    update = replace(MESSAGE, act=Act.UPDATE, thread="incident:1", severity=Severity.WARNING)
    update = replace(update, at=started + timedelta(minutes=5))
    assert isinstance(channel.send(update), Receipt)
    (again,) = alerts(alertmanager, until=1)
    assert again["fingerprint"] == alert["fingerprint"]
    assert again["startsAt"] == alert["startsAt"], "it began when it began"

    assert isinstance(channel.send(replace(update, act=Act.CLOSE, severity=Severity.INFO)), Receipt)
    assert alerts(alertmanager, until=0) == []
