"""Who hears that a KPI misses its target, and that it reaches it again."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from pytest_django import Settings

from communications.domain.alerts import Topic
from communications.domain.audiences import Content, Frequency
from communications.models import Announcement, Channel
from communications.services import announcing, audiences
from communications.services.audiences import AudienceSpec, Way
from core import events
from core.models import Environment
from kpis.services import standing
from tests.kpis.conftest import OLGA

HOUR = timedelta(hours=1)


def test_who_hears_of_kpis_is_told_of_both_in_their_language_with_the_way_to_its_page(
    kpis: dict[str, Any], production: Environment, settings: Settings, now: datetime
) -> None:
    settings.PUBLIC_URL = "https://rollout.example.org"
    mail = Channel.objects.create(key="mail", name="Mail", kind="email", enabled=True)
    for key, language, content in (("boss", "de", Content.BUSINESS), ("team", "en", Content.TECHNICAL)):
        ways = [Way(mail.key, f"{key}@example.org")]
        spec = AudienceSpec(key, key, content, Frequency.REAL_TIME, [Topic.KPI], ways, language=language)
        audiences.define(spec, actor=OLGA, reason="r", now=now)
    figure = {
        "title": "Error rate",
        "severity": "warning",
        "text": "Error rate: 5 %, target <1% not met.",
        "leads_to": "kpi:errorRate",
    }
    for minutes, kind in enumerate((standing.FELL, standing.CAME_BACK)):
        about = {"subject": "kpi:errorRate", "environment_id": production.pk, "data": figure}
        events.record(kind, actor=OLGA, now=now + minutes * HOUR, reason="3 days in a row", **about)
        announcing.announce(now=now + minutes * HOUR)
    told = list(Announcement.objects.order_by("pk").values_list("audience", "subject"))
    assert told == [
        ("boss", "Eine Kennzahl verfehlt seit Tagen ihr Ziel (production)"),
        ("team", "[WARNING] TARGET MISSED: Error rate in production"),
        ("boss", "Eine Kennzahl erreicht ihr Ziel wieder (production)"),
        ("team", "[INFO] Target reached again: Error rate in production"),
    ]
    text = Announcement.objects.earliest("pk").text
    assert "target <1% not met" in text
    assert "https://rollout.example.org/admin/kpis/kpi/in/production/of/errorRate/" in text
