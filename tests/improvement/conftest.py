from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from core.actors import Actor, ActorKind

OLGA = Actor("olga", ActorKind.PERSON)


@pytest.fixture
def who(now: datetime) -> dict[str, Any]:
    return {"actor": OLGA, "now": now}
