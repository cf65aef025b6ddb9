"""The Node client, by Node's own test runner; and both clients against each other on any configuration at all."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nctool_flags import Evaluator

from tests.data import make_decisions
from tests.flags import naive
from tests.flags.test_decisions import KEYS, UNITS, flags, segments, values

NODE = shutil.which("node")
CLIENT = Path(__file__).parents[2] / "clients" / "node"
needs_node = pytest.mark.skipif(NODE is None, reason="there is no `node` on the PATH: install Node.js 18 or later")
EXACT = 2**53  # beyond it JavaScript's numbers have gaps
Ask = Callable[[dict[str, Any]], list[dict[str, Any]]]


@needs_node
def test_the_tests_of_the_node_client_pass() -> None:
    done = subprocess.run(
        [NODE or "node", "--test", "test/"], cwd=CLIENT, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stdout[-6_000:] + done.stderr[-2_000:]


@pytest.fixture(scope="module")
def ask_node() -> Iterator[Ask]:
    """Asks a Node process for the decisions on all flags of a document."""
    command = [NODE or "node", str(Path(__file__).with_name("decide.mjs"))]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:

        def ask(question: dict[str, Any]) -> list[dict[str, Any]]:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(json.dumps(question, allow_nan=False) + "\n")
            process.stdin.flush()
            answers: list[dict[str, Any]] = json.loads(process.stdout.readline())
            return answers

        yield ask


def by_python(flags: Evaluator, key: str, context: dict[str, Any]) -> dict[str, Any]:
    absent = object()
    decision = flags.why(key, context)
    value = flags.value(key, context, absent) if decision.rule in ("disabled", "no-key") else decision.value
    told = {} if value is absent else {"value": value}
    return {**told, "variant": decision.variant, "reason": decision.reason, "rule": decision.rule}


documents = st.builds(
    lambda found, shared: {**make_decisions.document(), "segments": shared, "flags": found},
    st.lists(flags, min_size=1, max_size=len(KEYS), unique_by=lambda flag: flag["key"]),
    segments,
)


@given(documents, st.dictionaries(st.sampled_from(["a", "b"]), values), st.sampled_from(UNITS))
def test_python_decides_as_the_rules_read(document: dict[str, Any], context: dict[str, Any], unit: str) -> None:
    flags, context = Evaluator(document), {**context, "targetingKey": unit}
    for flag in document["flags"]:
        found, expected = by_python(flags, flag["key"], context), naive.decide(document, flag["key"], context)
        assert json.dumps(found, sort_keys=True) == json.dumps(expected, sort_keys=True)


@needs_node
@settings(deadline=None)  # another process answers
@given(document=documents, context=st.dictionaries(st.sampled_from(["a", "b"]), values), unit=st.sampled_from(UNITS))
def test_node_decides_as_python_does(ask_node: Ask, document: dict[str, Any], context: Any, unit: str) -> None:
    context = {**{name: value for name, value in context.items() if exact(value)}, "targetingKey": unit}
    flags = Evaluator(document)
    answers = ask_node({"document": document, "context": context})
    expected = [by_python(flags, flag["key"], context) for flag in document["flags"]]
    assert json.dumps(answers, sort_keys=True) == json.dumps(expected, sort_keys=True)


def exact(value: object) -> bool:
    """Whether JSON carries it to JavaScript as it is."""
    return not isinstance(value, (int, float)) or abs(value) < EXACT
