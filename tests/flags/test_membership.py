"""Who joins and leaves by a change, and when the hash is to blame."""

from __future__ import annotations

from decimal import Decimal
from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flags.domain.bucketing import Bucketing
from flags.domain.membership import clustering, compare, tail
from flags.domain.rebucketing import Draw, sample

JS31 = Draw(Bucketing.JS31, "")
SALTED = Draw(Bucketing.MURMUR3, "pepper")


@given(st.integers(0, 100), st.integers(0, 100))
def test_raising_lets_nobody_leave_and_lowering_lets_nobody_join(one: int, other: int) -> None:
    units = sample()[:300]
    found = compare(
        units, lambda unit: SALTED.reaches(unit, Decimal(one)), lambda unit: SALTED.reaches(unit, Decimal(other))
    )
    assert found.known == 300
    assert (found.leaving == 0) if other >= one else (found.joining == 0)
    assert len(found.joins) == min(5, found.joining)


@given(st.integers(1, 60), st.data())
def test_the_tail_is_that_of_the_binomial_distribution(trials: int, data: st.DataObject) -> None:
    hits = data.draw(st.integers(0, trials))
    chance = data.draw(st.floats(0.01, 0.99))
    side = range(hits, trials + 1) if hits >= trials * chance else range(hits + 1)
    exact = sum(comb(trials, at) * chance**at * (1 - chance) ** (trials - at) for at in side)
    assert tail(trials, hits, chance) == pytest.approx(exact, rel=1e-6)


def test_a_hash_that_clusters_the_known_npubs_is_told() -> None:
    """The seed's hash gives neighbours in the alphabet neighbouring buckets: these 40 users lie close together."""
    told = clustering([f"user-{number}" for number in range(1, 41)], JS31, Decimal(25))
    assert told.startswith("The hash clusters the known npubs: 45.0 % of them stand within the first 25 %, more than")


@pytest.mark.parametrize("percentage", [1, 5, 25, 50, 99.99])
def test_a_fair_hash_is_not_warned_of(percentage: float) -> None:
    assert clustering(sample(), SALTED, Decimal(str(percentage))) == ""


@pytest.mark.parametrize(("count", "percentage"), [(29, 25), (0, 25), (10_000, 0), (10_000, 100)])
def test_of_few_npubs_and_of_everybody_no_share_says_anything(count: int, percentage: int) -> None:
    assert clustering(["same"] * count, SALTED, Decimal(percentage)) == ""
