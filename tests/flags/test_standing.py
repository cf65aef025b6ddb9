"""What a state is called tells who really has the feature."""

from __future__ import annotations

from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest

from flags.admin import words
from flags.domain.standing import standing

RULES = {"rules": [{"name": "EU", "when": []}]}


@pytest.mark.parametrize(
    ("fields", "sentence", "reach"),
    [
        ({"percentage": 100}, "On for everybody", "everybody"),
        (
            {"percentage": 25, "allow_count": 3},
            "On for 25 % of npubs",
            "25 % of all npubs and the 3 on the allow-list",
        ),
        ({"allow_count": 3}, "On for the allow-list only", "only the 3 on the allow-list"),
        ({}, "On, but for nobody: 0 % and no allow-list", "nobody"),
        ({"targeting": RULES}, "On for those whom its rules let in", "those whom its rules let in"),
        (
            {"percentage": 100, "targeting": RULES},
            "On for everybody that no rule is about",
            "everybody that no rule is about and those whom its rules let in",
        ),
        (
            {"percentage": 100, "deny_count": 1200},
            "On for everybody, but not for the 1,200 on the deny-list",
            "everybody, but not for the 1,200 on the deny-list",
        ),
        (
            {"percentage": 100, "targeting": {"prerequisites": [{"flag": "walletV2", "variants": ["on"]}]}},
            "On for everybody, as long as walletV2 fits",
            "everybody, as long as walletV2 fits",
        ),
    ],
)
def test_the_words_tell_of_percentage_rules_lists_and_needs(fields: dict[str, Any], sentence: str, reach: str) -> None:
    nothing = {"percentage": 0, "allow_count": 0, "deny_count": 0, "targeting": {}}
    stopped = {"disabled_at": None, "rollback_id": ""}
    state: Any = SimpleNamespace(enabled=True, **{**nothing, **stopped, **fields})
    state.percentage = Decimal(state.percentage)
    assert standing(state).sentence == sentence
    assert words.reach(state) == reach
