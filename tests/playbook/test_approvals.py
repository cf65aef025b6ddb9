"""Approval rules in a playbook, and loads that meet them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from approvals import selectors
from approvals.models import ChangeRequest
from approvals.services import applying, deciding
from core import events
from core.actors import Actor, ActorKind
from flags import selectors as flag_selectors
from flags.selectors import approval_rules
from nctool_rollout.playbook import loading
from nctool_rollout.playbook.export import as_yaml, export
from nctool_rollout.playbook.problems import PlaybookError
from nctool_rollout.playbook.validation import load_text
from tests.playbook.conftest import LOADER, SMALL, Load

RULES = """\
approvals:
  live:
    raise: {above: 20, approvals: 2, expiresAfterHours: 48}
    allowList: {above: 2}
    rules: {}
"""
GUARDED = SMALL + RULES
RAISED = GUARDED.replace("rolloutPercentage: 10", "rolloutPercentage: 80").replace("threshold: HIGH", "threshold: LOW")
LOOSER = GUARDED.replace("above: 20", "above: 50")
TIGHTER = GUARDED.replace("above: 20", "above: 5")


def asks(text: str, now: datetime) -> dict[tuple[str, ...], Any]:
    """Load it with --request; the decisions by item, those that are not `same`."""
    playbook, source = load_text(text, file="small.yaml")
    decisions = loading.load(playbook, source, actor=LOADER, now=now, file="small.yaml", request=True)
    return {decision.item: decision for decision in decisions or () if decision.outcome != "same"}


def live() -> tuple[float, dict[str, Any]]:
    state = flag_selectors.state("sending", "live")
    return float(state.percentage), state.parameters


def settle(request: ChangeRequest, now: datetime) -> None:
    for name in ("anna", "ben")[: request.needed]:
        deciding.approve(request.pk, digest=request.digest, actor=Actor(name, ActorKind.PERSON), now=now)
    applying.apply(request.pk, actor=LOADER, now=now)


def test_rules_are_loaded_last_exported_and_loaded_to_the_same(load: Load) -> None:
    load(GUARDED)  # with the flag at 10 % from the start, which no rule is asked about yet
    assert approval_rules.as_dict("live") == {
        "raise": {"above": "20.00", "approvals": 2, "expires_after": 48 * 3600},
        "allow_list": {"above": "2.00", "approvals": 1, "expires_after": 72 * 3600},
        "rules": {"above": "0.00", "approvals": 1, "expires_after": 72 * 3600},
    }
    assert load(GUARDED) == {}
    assert load(as_yaml(export())) == {}


def test_a_load_that_needs_approval_is_refused_whole_with_every_line_and_the_way_on(load: Load) -> None:
    load(GUARDED)
    text = RAISED.replace("[npub1a, npub1b]", "[npub1a, npub1b, npub1c]")
    with pytest.raises(PlaybookError) as refused:
        load(text)
    raised, listed = str(refused.value).splitlines()
    assert raised.startswith(
        "small.yaml:20: environments.live.flags.sending: This needs the approval of 2 other people"
    )
    assert "rises by 80 points within a day, from 0 to 80 %" in raised
    assert "opens it to 3 npubs" in listed
    assert raised.endswith("Load it with --request to load the rest and ask for this.")
    assert live() == (10, {"threshold": "HIGH", "limits": {"daily": 5}})
    assert flag_selectors.state("sending", "lab").parameters["threshold"] == "HIGH"


def test_a_load_with_request_does_the_rest_and_asks_once(load: Load, now: datetime) -> None:
    load(GUARDED)
    rest = ("states", "lab", "sending", "parameters", "threshold")
    for _ in range(2):
        decisions = asks(RAISED, now)
        assert decisions["states", "live", "sending", "rollout"].outcome == "ask"
        (request,) = ChangeRequest.objects.all()
        assert decisions["states", "live", "sending", "rollout"].why == f"asked for by request {request.pk}"
    assert rest not in decisions  # done by the first load
    assert flag_selectors.state("sending", "lab").parameters["threshold"] == "LOW"
    assert live()[0] == 10

    assert (request.title, request.needed) == ("Load playbook small 1", 2)
    settle(request, now)
    assert live() == (80, {"threshold": "LOW", "limits": {"daily": 5}})
    assert asks(RAISED, now) == {}
    load(GUARDED)  # the file leads again: going down needs nobody
    assert live()[0] == 10


def test_rules_are_tightened_at_once_and_loosened_only_with_approval(load: Load, now: datetime) -> None:
    load(GUARDED)
    load(TIGHTER)
    assert approval_rules.as_dict("live")["raise"]["above"] == "5.00"
    with pytest.raises(PlaybookError, match=r"approvals.live: This needs .* the rules for approvals are loosened"):
        load(LOOSER)
    decisions = asks(LOOSER, now)
    assert decisions["approvals", "live", "raise"].outcome == "ask"
    assert approval_rules.as_dict("live")["raise"]["above"] == "5.00"
    settle(selectors.get(ChangeRequest.objects.get().pk), now)
    assert approval_rules.as_dict("live")["raise"]["above"] == "50.00"
    assert events.recent().filter(kind="rules.changed").first().data["approved"] is True


def test_a_load_that_loosens_and_raises_is_judged_by_the_rules_before_it(load: Load) -> None:
    load(GUARDED)
    with pytest.raises(PlaybookError, match="rises by 40 points"):
        load(LOOSER.replace("rolloutPercentage: 10", "rolloutPercentage: 40"))


def test_a_rule_that_left_the_file_stays(load: Load) -> None:
    load(GUARDED)
    assert load(SMALL)["approvals", "live", "raise"].outcome == "gone"
    assert "raise" in approval_rules.as_dict("live")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (
            "  live:\n    raise",
            "  life:\n    raise",
            "approvals.life: There is no environment 'life'.* Did you mean 'live'",
        ),
        ("approvals: 2", "approvals: 4", "approvals.live.raise.approvals: .*a whole number from 1 to 3"),
        ("above: 20", "above: -1", "approvals.live.raise.above"),
        ("allowList", "allowlist", "approvals.live.allowlist"),
    ],
)
def test_what_is_wrong_with_a_rule_is_told_with_its_line(old: str, new: str, words: str) -> None:
    with pytest.raises(PlaybookError, match=rf"small.yaml:\d+: {words}"):
        load_text(GUARDED.replace(old, new), file="small.yaml")


def test_the_command_says_how_and_asks(load: Load, tmp_path: Any, capsys: pytest.CaptureFixture[str]) -> None:
    load(GUARDED)
    file = tmp_path / "raised.yaml"
    file.write_text(RAISED)
    with pytest.raises(CommandError, match="--request"):
        call_command("playbook", "load", str(file))
    call_command("playbook", "load", str(file), "--request")
    told = capsys.readouterr().out
    asked = ChangeRequest.objects.get().pk
    assert f"  ? flag sending rollout: enabled at 10 % -> enabled at 80 % (asked for by request {asked})" in told
    assert "1 written, 2 asked for, " in told
