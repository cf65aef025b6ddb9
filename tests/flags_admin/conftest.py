from __future__ import annotations

from collections.abc import Callable

import pytest

import flags.selectors
from flags.models import Flag, FlagState

KEY = "atomicMeltOperations"


@pytest.fixture
def state(flag: Flag) -> Callable[[str], FlagState]:
    """The flag's state in an environment as it is now."""
    return lambda environment="production": flags.selectors.state(KEY, environment)
