"""The decision of the clock, without a database: what it may never do, and what it says when it waits."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.requirements import Standing
from monitoring.domain.rule import Rule
from monitoring.domain.track import Track, follow
from monitoring.domain.verdict import Measure, TriggerState, Verdict
from monitoring.domain.windows import Window
from rollouts.domain.gate import before_step, soak_of
from rollouts.domain.move import Complete, Hold, Take, Wait, next_move
from rollouts.domain.situation import FlagFacts, Situation, Step, Watch
from rollouts.domain.states import RampState

NOW = datetime(2026, 3, 9, 9, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


ALLOW_LIST = FlagFacts(True, Decimal(0), allowed=3)


def watch(**over: object) -> Watch:
    facts = {
        "trigger": "error-rate",
        "verdict": Verdict.PASS,
        "judged_until": NOW - timedelta(seconds=5),
        "passing_since": NOW - 3 * HOUR,
        "max_window": timedelta(seconds=300),
    }
    return Watch(**{**facts, **over})


def step(position: int, percentage: int, **over: object) -> Step:
    facts = {"position": position, "percentage": Decimal(percentage), "due_at": NOW - HOUR, "soak": HOUR}
    return Step(**{**facts, **over})


def situation(**over: object) -> Situation:
    """At 5 %, taken two hours ago, all well: the clock would take 25 % now."""
    facts = {
        "state": RampState.RUNNING,
        "steps": [step(1, 5, taken_at=NOW - 2 * HOUR), step(2, 25), step(3, 100)],
        "position": 1,
        "left": FlagFacts(True, Decimal(5)),
        "soaking_since": NOW - 2 * HOUR,
        "flag": FlagFacts(True, Decimal(5)),
        "watches": [watch()],
        "guard_seen_at": NOW - timedelta(seconds=10),
    }
    return Situation(**{**facts, **over})


def test_a_step_that_is_due_soaked_and_passing_is_taken() -> None:
    move = next_move(situation(), now=NOW)
    assert isinstance(move, Take)
    assert move.step.percentage == 25


@pytest.mark.parametrize(
    ("over", "words"),
    [
        ({"state": RampState.HELD}, "The ramp is held"),
        (
            {"steps": [step(1, 5, taken_at=NOW), step(2, 25, due_at=NOW + HOUR)]},
            "Step 2, 25 %, is due 2026-03-09 10:00:00 UTC",
        ),
        ({"guard_seen_at": None}, "The guard has never run"),
        ({"guard_seen_at": NOW - timedelta(seconds=61)}, "nobody is watching"),
        ({"watches": []}, "No trigger watches"),
        ({"watches": [watch(verdict=Verdict.INSUFFICIENT)]}, "too few samples"),
        (
            {"watches": [watch(verdict=Verdict.NO_DATA, passing_since=None)]},
            "no data (NO_DATA), and that is never a pass",
        ),
        (
            {"flag": ALLOW_LIST, "left": ALLOW_LIST, "watches": [watch(verdict=Verdict.INSUFFICIENT)]},
            "Only the 3 npubs of the allow-list have the feature, so there may never be enough",
        ),
        (
            {
                "flag": FlagFacts(True, Decimal(0)),
                "left": ALLOW_LIST,
                "watches": [watch(verdict=Verdict.NO_DATA)],
            },
            "nobody is on the allow-list",
        ),
        (
            {"watches": [watch(judged_until=NOW - HOUR / 30, passing_since=NOW - HOUR)]},
            "has yet to judge the end of it",
        ),
        ({"watches": [watch(verdict=Verdict.BREACH)]}, "is in BREACH"),
        ({"risk": "HIGH"}, "The risk here is HIGH"),
        ({"watches": [watch(latched=True)]}, "until a person re-arms it"),
        ({"watches": [watch(judged_until=NOW - timedelta(seconds=361))]}, "too old"),
        ({"watches": [watch(), watch(trigger="drop", verdict=Verdict.NO_DATA)]}, "Trigger drop"),
        ({"soaking_since": NOW - HOUR / 2}, "Soaks until 2026-03-09 09:30:00 UTC"),
        ({"watches": [watch(passing_since=NOW - HOUR / 4)]}, "Soaks until 2026-03-09 09:45:00 UTC"),
        ({"soaking_since": NOW - timedelta(seconds=5)}, "has not judged anything since"),
    ],
)
def test_the_clock_waits_and_says_for_what(over: dict[str, object], words: str) -> None:
    move = next_move(situation(**over), now=NOW)
    assert isinstance(move, Wait)
    assert words in move.why


@pytest.mark.parametrize(
    ("flag", "words"),
    [
        (FlagFacts(False, Decimal(5)), "disabled the flag"),
        (FlagFacts(True, Decimal(50)), "stands at 50 %; this ramp left it at 5 %"),
        (FlagFacts(True, Decimal(5), halted="errors"), "switched off: errors"),
    ],
)
def test_a_flag_that_others_changed_holds_the_ramp(flag: FlagFacts, words: str) -> None:
    move = next_move(situation(flag=flag), now=NOW)
    assert isinstance(move, Hold)
    assert words in move.why


OFF = FlagFacts(False, Decimal(0))


def test_the_first_step_of_a_flag_that_is_off_needs_no_pass_since_it_has_no_traffic() -> None:
    first = situation(
        steps=[step(1, 5), step(2, 25)], position=0, left=OFF, flag=OFF, watches=[watch(verdict=Verdict.NO_DATA)]
    )
    assert isinstance(next_move(first, now=NOW), Take)
    for danger in (
        {"guard_seen_at": None},
        {"watches": [watch(latched=True)]},
        {"watches": [watch(verdict=Verdict.BREACH)]},
    ):
        assert isinstance(next_move(replace(first, **danger), now=NOW), Wait)
    for reached in (FlagFacts(True, Decimal(2)), ALLOW_LIST):
        assert isinstance(next_move(replace(first, left=reached, flag=reached), now=NOW), Wait)
    nobody = FlagFacts(True, Decimal(0))
    assert isinstance(next_move(replace(first, left=nobody, flag=nobody), now=NOW), Take)


def test_a_step_that_would_go_back_is_never_taken() -> None:
    back = situation(steps=[step(1, 50, taken_at=NOW - 2 * HOUR), step(2, 25)], left=FlagFacts(True, Decimal(50)))
    assert isinstance(next_move(replace(back, flag=back.left), now=NOW), Hold)


def test_a_ramp_without_steps_left_is_complete() -> None:
    assert next_move(situation(position=3), now=NOW) == Complete()


RULE = Rule(Measure.RATIO, threshold=5.0, window=10, max_window=300, min_samples=1, consecutive=3)
FIRST = int(NOW.timestamp())


@dataclass
class Run:
    """One ramp and one trigger through an arbitrary history. It notes all that the guard ever judged."""

    steps: list[Step]
    now: datetime = NOW
    state: RampState = RampState.RUNNING
    flag: FlagFacts = OFF
    left: FlagFacts = OFF
    position: int = 0
    since: datetime = NOW
    track: Track = field(default_factory=lambda: Track(judged_until=FIRST))
    windows: list[Window] = field(default_factory=list)
    taken: list[Step] = field(default_factory=list)

    def judge(self, verdict: Verdict, lag: int) -> None:
        """The guard judges one more window, which ends `lag` seconds ago."""
        start, end = self.track.judged_until, int(self.now.timestamp()) - lag
        if end > start:
            self.windows.append(Window(start, end, verdict, None, 1))
            self.track = follow(RULE, self.track, self.windows[-1:])

    def situation(self) -> Situation:
        passing = self.track.passing_since
        seen = watch(
            verdict=self.track.last.verdict if self.track.last else Verdict.NO_DATA,
            judged_until=datetime.fromtimestamp(self.track.judged_until, UTC),
            passing_since=None if passing is None else datetime.fromtimestamp(passing, UTC),
            latched=self.track.state is TriggerState.LATCHED,
        )
        return Situation(
            self.state, self.steps, self.position, self.left, self.since, self.flag, [seen], guard_seen_at=self.now
        )

    def proven(self, soak: timedelta) -> bool:
        """Told from the windows alone: PASS without a gap, long enough, since the flag stands where it stands."""
        passing: list[Window] = []
        for window in reversed(self.windows):
            if window.verdict is not Verdict.PASS or (passing and window.end != passing[-1].start):
                break
            passing.append(window)
        if not passing:
            return False
        covered = passing[0].end - max(passing[-1].start, self.since.timestamp())
        fresh = self.now.timestamp() - passing[0].end <= RULE.max_window + 60
        return covered > 0 and covered >= soak.total_seconds() and fresh

    def take(self, step: Step) -> None:
        self.steps[self.position] = replace(step, taken_at=self.now)
        self.position = step.position
        self.left = self.flag = FlagFacts(True, step.percentage)
        self.since = self.now
        self.taken.append(step)


ticks = st.lists(
    st.tuples(
        st.integers(0, 2000),  # seconds to the next tick: from the same instant to an outage
        st.sampled_from([Verdict.PASS] * 4 + list(Verdict)),
        st.integers(0, 400),  # how far the guard is behind
        st.sampled_from([""] * 12 + ["disable", "set", "hold", "halt"]),
    ),
    max_size=60,
)


@settings(max_examples=400, deadline=None)
@given(
    shares=st.lists(st.integers(0, 100), min_size=1, max_size=6, unique=True).map(sorted),
    soak=st.integers(0, 3000),
    pace=st.integers(0, 3000),
    history=ticks,
)
def test_whatever_happens_a_ramp_is_monotone_proven_and_takes_one_step_a_tick(
    shares: list[int], soak: int, pace: int, history: list[tuple[int, Verdict, int, str]]
) -> None:
    soaks = timedelta(seconds=soak)
    run = Run(
        [step(n, share, due_at=NOW + n * timedelta(seconds=pace), soak=soaks) for n, share in enumerate(shares, 1)]
    )
    for seconds, verdict, lag, interference in history:
        run.now += timedelta(seconds=seconds)
        run.judge(verdict, lag)
        run.flag = {
            "disable": FlagFacts(False, run.flag.percentage),
            "set": FlagFacts(True, Decimal(100)),
            "halt": FlagFacts(False, Decimal(0), halted="x"),
        }.get(interference, run.flag)
        if interference == "hold":
            run.state = RampState.HELD
        before = len(run.taken)
        for _ in range(2):  # two clocks at the same instant: the second must find nothing to do
            move = next_move(run.situation(), now=run.now)
            if isinstance(move, Hold):
                run.state = RampState.HELD
            if isinstance(move, Take):
                assert run.state is RampState.RUNNING
                assert run.track.state is TriggerState.ARMED
                assert move.step.due_at <= run.now
                assert run.flag == run.left
                assert run.proven(soaks) or (not run.taken and run.flag == OFF)
                run.take(move.step)
        assert len(run.taken) - before <= 1
    assert [int(taken.percentage) for taken in run.taken] == shares[: len(run.taken)]


@settings(deadline=None)
@given(history=ticks)
def test_a_ramp_that_is_left_alone_and_passes_is_taken_to_its_end(history: list[tuple[int, Verdict, int, str]]) -> None:
    run = Run([step(n, share, soak=timedelta(minutes=5)) for n, share in enumerate((5, 25, 100), 1)])
    for seconds, verdict, lag, _ in history:  # whatever was before: nothing of it may block the ramp for ever
        run.now += timedelta(seconds=seconds)
        run.judge(verdict if verdict is not Verdict.BREACH else Verdict.NO_DATA, lag)
    for _ in range(100):
        run.now += timedelta(seconds=30)
        run.judge(Verdict.PASS, 5)
        move = next_move(run.situation(), now=run.now)
        if isinstance(move, Take):
            run.take(move.step)
    assert run.position == 3


def test_the_gate_lists_everything_with_why_and_what_would_satisfy_it_and_opens_when_the_clock_steps() -> None:
    found = list(before_step(situation(), step(2, 25), now=NOW))
    assert [each.key for each in found] == [
        *("due", "plan", "needs", "freeze", "hours", "guard", "danger", "risk", "alarm", "verdicts", "soak"),
    ]
    assert all(each.open and each.why for each in found)

    over = {
        "due": {"steps": [step(1, 5, taken_at=NOW), step(2, 25, due_at=NOW + HOUR)]},
        "plan": {"blocked": "Phase B has not begun."},
        "needs": {"lacks": "It needs migration 002."},
        "freeze": {"frozen": "Frozen until Monday."},
        "guard": {"guard_seen_at": None},
        "danger": {"watches": [watch(latched=True)]},
        "risk": {"risk": "HIGH"},
        "alarm": {"alarm": "Errors"},
        "verdicts": {"watches": [watch(verdict=Verdict.NO_DATA, passing_since=None)]},
        "soak": {"soaking_since": NOW - HOUR / 2},
    }
    for key, facts in over.items():
        asked = situation(**facts)
        closed = [each for each in before_step(asked, asked.steps[1], now=NOW) if not each.open]
        assert closed[0].key == key
        assert closed[0].remedy
        unknown = {each.key for each in closed if each.standing is Standing.UNKNOWN}
        assert unknown == ({key} & {"guard", "verdicts"}), "what nobody measured is not known, never met"
        assert next_move(asked, now=NOW) == Wait(closed[0].why)


def test_soak_is_counted_in_judged_time_and_begins_anew_with_a_gap() -> None:
    half = situation(soaking_since=NOW - HOUR / 2)
    soak = soak_of(half, half.steps[1])
    assert soak is not None
    assert (soak.percent, soak.until) == (49, NOW + HOUR / 2), "the last five seconds are not judged yet"
    after_an_outage = situation(watches=[watch(passing_since=NOW - timedelta(minutes=6))])
    again = soak_of(after_an_outage, step(2, 25))
    assert again is not None
    assert again.percent == 9
    assert soak_of(situation(watches=[watch(passing_since=None)]), step(2, 25)) is None
