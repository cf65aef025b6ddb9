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
