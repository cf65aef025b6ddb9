"""The page of one ramp: where it stands, what it waits for, what its triggers say, and its history."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.utils import timezone

import flags.selectors
from core import beside, events
from core.admin.read_only import Screen
from monitoring.admin import verdicts
from rollouts import selectors
from rollouts.admin import steering, words
from rollouts.domain.gate import before_step, in_danger, soak_of
from rollouts.domain.states import LIVE, RampState
from rollouts.models import Ramp, RampStep
from rollouts.selectors.radius import next_radius

if TYPE_CHECKING:
    from core.models import Event
    from flags.models import FlagState

HISTORY = 40


@dataclass(frozen=True, slots=True)
class StepCard:
    """A step as the page shows it. None is the present one when the ramp has ended or the flag stands elsewhere."""

    step: RampStep
    status: str
    parameters: list[str]


class RampScreen(Screen):
    permission_required = "rollouts.view_ramp"
    template_name = "rollouts/ramp.html"
    live_template = "rollouts/ramp_live.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        now = timezone.now()
        ramp = steering.find(self.kwargs["object_id"])
        view = selectors.timeline(ramp.pk, now=now)
        state = flags.selectors.state(ramp.flag.key, ramp.environment.key)
        situation = selectors.situation(ramp, list(ramp.steps.all()), state, now=now)
        self.title = ramp.name
        step = situation.next if RampState(ramp.state) in LIVE else None
        may_operate = self.request.user.has_perm("rollouts.operate_ramp")
        return super().get_context_data(
            ramp=ramp,
            view=view,
            radius=next_radius(view, now=now),
            cards=[_card(each, state, live=RampState(ramp.state) in LIVE) for each in view.steps],
            asked=str(selectors.level_of(ramp, view.now or view.next)),
            gate=list(before_step(situation, step, now=now)) if step else [],
            soak=soak_of(situation, step) if step and step.soak else None,
            hours=str(situation.hours or ""),
            flag_stands=words.standing(state),
            flag_url=beside.page_of(f"flag:{ramp.flag.key}", ramp.environment.key),
            is_live=RampState(ramp.state) in LIVE,
            danger=in_danger(situation.watches) if RampState(ramp.state) is RampState.HELD else "",
            commands=steering.offered(ramp, situation) if may_operate else [],
            actions=beside.flag_actions(ramp.flag.key, ramp.environment.key, self.request.user)
            if state.enabled
            else [],
            verdicts=verdicts.beside(ramp.flag.key, ramp.environment.key, now=now),
            history=history(ramp),
            **kwargs,
        )


def _card(view: selectors.StepView, state: FlagState, *, live: bool) -> StepCard:
    stands_here = live and state.enabled and state.percentage == view.step.percentage
    past = view.status is selectors.StepStatus.NOW and not stands_here
    status = selectors.StepStatus.TAKEN if past else view.status
    return StepCard(view.step, status.value, words.parameters(view.step.parameters))


def history(ramp: Ramp) -> list[Event]:
    """What happened to the ramp, and to its flag while it lived; newest first, in two queries.

    A step of the ramp is one change of the flag: the flag's own event of it is left out.
    """
    own = list(events.about(f"ramp:{ramp.pk}")[:HISTORY])
    of_flag = events.about(f"flag:{ramp.flag.key}", environment_id=ramp.environment_id)
    if own:
        of_flag = of_flag.filter(id__gt=own[-1].pk)
    if ramp.ended_at is not None:
        of_flag = of_flag.filter(at__lte=ramp.ended_at)
    others = [event for event in of_flag[:HISTORY] if event.data.get("ramp") != ramp.pk]
    return sorted([*own, *others], key=lambda event: event.pk, reverse=True)[:HISTORY]
