"""The allow-list: pasted, counted, limited."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import events
from core.actors import Actor
from core.errors import Invalid
from flags import selectors
from flags.domain.change import read_npubs
from flags.services import lists

KEY = "atomicMeltOperations"


@pytest.mark.django_db
@pytest.mark.usefixtures("flag")
def test_an_edit_counts_what_was_new_what_was_there_and_what_was_not(operator_actor: Actor, now: datetime) -> None:
    lists.edit_allow_list(KEY, "staging", add=["npub1a", "npub1b"], actor=operator_actor, reason="", now=now)
    done = lists.edit_allow_list(
        KEY, "staging", add=["npub1b", "npub1c"], remove=["npub1a", "npub1z"], actor=operator_actor, reason="", now=now
    )

    assert (done.added, done.removed, done.already_in, done.not_in) == (1, 1, 1, 1)
    assert list(selectors.allowed_users(done.state.pk).values_list("npub", flat=True)) == ["npub1b", "npub1c"]
    state = selectors.state(KEY, "staging")
    assert (state.allow_count, state.allow_version) == (2, 2)
    event = events.recent().filter(kind="flag.allow_list_changed").first()
    assert event is not None
    assert (event.data["added"], event.data["removed"]) == (["npub1c"], ["npub1a"])


@pytest.mark.django_db
@pytest.mark.usefixtures("flag")
@pytest.mark.parametrize(
    ("add", "remove", "words"),
    [
        (["npub1" + "x" * 300], [], "200 characters"),
        ([""], [], "is no npub"),
        ([" npub1a"], [], "without blanks"),
        (["npub1\x00"], [], "printable"),
        (["npub1\ud800"], [], "printable"),
        (["npub1a"], ["npub1a"], "both added and removed"),
    ],
)
def test_a_bad_npub_refuses_the_whole_edit(
    add: list[str], remove: list[str], words: str, operator_actor: Actor, now: datetime
) -> None:
    with pytest.raises(Invalid, match=words):
        lists.edit_allow_list(
            KEY, "staging", add=["npub1good", *add], remove=remove, actor=operator_actor, reason="", now=now
        )
    assert selectors.state(KEY, "staging").allow_count == 0


@pytest.mark.django_db
@pytest.mark.usefixtures("flag")
def test_a_hundred_thousand_npubs_fit_and_not_one_more(operator_actor: Actor, now: datetime) -> None:
    many = [f"npub1{number:058d}" for number in range(100_000)]
    done = lists.edit_allow_list(KEY, "staging", add=many, actor=operator_actor, reason="", now=now)
    assert done.state.allow_count == 100_000
    with pytest.raises(Invalid, match="at most 100,000"):
        lists.edit_allow_list(KEY, "staging", add=["npub1more"], actor=operator_actor, reason="", now=now)


@given(
    st.lists(
        st.text(
            st.characters(codec="ascii", exclude_characters=" \t\n\r\x0b\x0c\x1c\x1d\x1e\x1f,;"),
            min_size=1,
            max_size=20,
        )
    )
)
def test_a_pasted_list_loses_nothing_and_tells_every_repeat(npubs: list[str]) -> None:
    pasted = read_npubs("\n".join(npubs))
    assert list(pasted.npubs) == list(dict.fromkeys(npubs))
    assert set(pasted.duplicates) == {npub for npub in npubs if npubs.count(npub) > 1}


def test_a_pasted_line_that_is_too_long_is_named() -> None:
    with pytest.raises(Invalid, match="Line 3"):
        read_npubs("npub1a\nnpub1b, npub1c\nnpub1" + "d" * 300)
