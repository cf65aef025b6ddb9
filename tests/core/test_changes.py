from __future__ import annotations

from typing import Any

import pytest

from core.changes import Difference, differences


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ({"enabled": True}, {"enabled": False}, [("enabled", "yes", "no")]),
        ({"percentage": 25.0}, {"percentage": 50.0}, [("percentage", "25", "50")]),
        ({}, {"name": "a"}, [("name", "", "a")]),
        ({"error": "x"}, {}, [("error", "x", "")]),
        ({"roles": ["a"]}, {"roles": ["a", "b"]}, [("roles", "a", "a, b")]),
        (
            {"parameters": {"autoCorrection": False, "kept": 1}},
            {"parameters": {"autoCorrection": True, "kept": 1}},
            [("parameters.autoCorrection", "no", "yes")],
        ),
        ({"parameters": {}}, {"parameters": {"deep": {"a": [1, {}]}}}, [("parameters.deep", "", '{"a": [1, {}]}')]),
        ({"parameters": {"gone": 1}}, {"parameters": {}}, [("parameters.gone", "1", "")]),
        ({"same": [1]}, {"same": [1]}, []),
        ({"nothing": None}, {}, []),
    ],
)
def test_only_what_differs_is_told_field_by_field(
    before: dict[str, Any], after: dict[str, Any], told: list[tuple[str, str, str]]
) -> None:
    assert differences(before, after) == [Difference(*line) for line in told]


def test_targeting_is_told_in_words_with_every_value() -> None:
    """Nobody can decide on a change whose last country is left out."""
    countries = [f"C{number}" for number in range(40)]
    rule = {"name": "EU", "when": [{"attribute": "country", "op": "in", "values": countries}], "percentage": 50}
    (told,) = differences({"targeting": {"rules": []}}, {"targeting": {"rules": [rule]}})
    assert told.field == "targeting.rules"
    assert told.before == ""
    named = ", ".join(countries)
    assert told.after == f"1. EU: Where country is one of {named}: 50 % of them get the feature, the others nothing."

    (told,) = differences({"conditions": [{"segment": "a"}]}, {"conditions": [{"segment": "a"}, {"not_segment": "b"}]})
    assert (told.before, told.after) == ("in segment a", "in segment a and not in segment b")
