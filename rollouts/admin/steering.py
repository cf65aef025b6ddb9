"""A person steers a ramp: one dialog for each command, which names its effect and asks why."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from django.http import Http404
from django.urls import reverse
from django.utils import timezone

import flags.selectors
from core.admin.confirm import ConfirmView, Effect
from core.admin.read_only import person
from core.errors import DomainError, NotFound
from rollouts import selectors
from rollouts.admin import words
from rollouts.admin.move_form import LOCAL, MoveForm
from rollouts.domain.gate import in_danger
from rollouts.domain.move import changed_by_others
from rollouts.domain.situation import Situation
from rollouts.domain.states import LIVE, MOVING, RampState
from rollouts.models import Ramp
from rollouts.services import steering

if TYPE_CHECKING:
    from flags.models import FlagState


def find(object_id: str) -> Ramp:
    """The ramp of an address; a 404 when there is none."""
    try:
        return selectors.get(int(object_id))
    except (ValueError, OverflowError, NotFound) as error:
        raise Http404(f"There is no ramp {object_id}.") from error


@dataclass(frozen=True, slots=True)
class Command:
    """A command as the page offers it."""

    name: str
    label: str
    icon: str
    tone: str
    url: str


class SteeringView(ConfirmView):
    """One command on one ramp. The ramp is read anew for each answer."""

    permission_required = "rollouts.operate_ramp"
    name = ""
    label = ""
    icon = ""
    tone = ""
    dangerous = False
    done = ""

    @abstractmethod
    def sentences(self, view: selectors.RampView, state: FlagState) -> Sequence[str]:
        """What the command would do."""

    @abstractmethod
    def command(self) -> Callable[..., Any]:
        """The service that does it."""

    def chosen(self, values: dict[str, Any]) -> Sequence[Any]:
        """What else the person said, as the service takes it."""
        return ()

    @property
    def ramp(self) -> Ramp:
        return find(self.kwargs["object_id"])

    def effect(self) -> Effect:
        ramp = self.ramp
        view = selectors.timeline(ramp.pk, now=timezone.now())
        state = flags.selectors.state(ramp.flag.key, ramp.environment.key)
        return Effect(
            title=f"{self.label}: {ramp.name}",
            sentences=self.sentences(view, state),
            submit=f"{self.label} in {ramp.environment.name}",
            dangerous=self.dangerous,
            environment=ramp.environment,
        )

    def version(self) -> int:
        return self.ramp.version

    def subject(self) -> tuple[str, int | None]:
        return f"ramp:{self.ramp.pk}", None

    def perform(self, values: dict[str, Any]) -> str:
        ramp = self.ramp
        self.command()(
            ramp.pk,
            *self.chosen(values),
            actor=person(self.request),
            reason=values["reason"],
            now=timezone.now(),
            version=values["version"],
        )
        return f"{ramp}: {self.done}."

    def back(self) -> str:
        return reverse("admin:rollouts_ramp_change", args=[self.kwargs["object_id"]])


class Advance(SteeringView):
    name, label, icon, tone = "advance", "Advance now", "skip_next", "primary"
    done = "the next step was taken"

    def sentences(self, view: selectors.RampView, state: FlagState) -> Sequence[str]:
        return words.advance(view, state, now=timezone.now())

    def command(self) -> Callable[..., Any]:
        return steering.advance


class Hold(SteeringView):
    name, label, icon, tone = "hold", "Hold", "pause", ""
    done = "held"

    def sentences(self, view: selectors.RampView, state: FlagState) -> Sequence[str]:
        return words.hold(view, state)

    def command(self) -> Callable[..., Any]:
        return steering.hold


class Resume(SteeringView):
    name, label, icon, tone = "resume", "Resume", "play_arrow", "primary"
    done = "resumed"

    def sentences(self, view: selectors.RampView, state: FlagState) -> Sequence[str]:
        return words.resume(view, now=timezone.now())

    def command(self) -> Callable[..., Any]:
        return steering.resume


class Skip(SteeringView):
    name, label, icon, tone = "skip", "Skip the next step", "step_over", ""
    done = "the step was skipped"

    def sentences(self, view: selectors.RampView, state: FlagState) -> Sequence[str]:
        return words.skip(view, state, now=timezone.now())

    def command(self) -> Callable[..., Any]:
        return steering.skip


class Move(SteeringView):
    form_class = MoveForm
    name, label, icon = "move", "Move the next step", "edit_calendar"
    done = "the next step was moved"

    def sentences(self, view: selectors.RampView, state: FlagState) -> Sequence[str]:
        return words.move(view, state, now=timezone.now())

    def command(self) -> Callable[..., Any]:
        return steering.reschedule

    def chosen(self, values: dict[str, Any]) -> Sequence[Any]:
        return [values["to"]]

    def field_of(self, error: DomainError) -> str | None:
        field = getattr(error, "field", None)
        return "on" if field == "to" else field

    def get_initial(self) -> dict[str, Any]:
        """The time of the next step, in the zone of the environment's people."""
        ramp = self.ramp
        zone = ramp.environment.zone or timezone.get_default_timezone_name()
        step = selectors.seen(ramp).next
        local = step.due_at.astimezone(ZoneInfo(zone)).strftime(LOCAL) if step else ""
        return {**super().get_initial(), "on": local, "zone": zone}


class StepBack(SteeringView):
    name, label, icon, tone = "step-back", "Step back", "skip_previous", ""
    done = "one step back, and held"

    def sentences(self, view: selectors.RampView, state: FlagState) -> Sequence[str]:
        return words.step_back(view, state)

    def command(self) -> Callable[..., Any]:
        return steering.step_back


class RollBack(SteeringView):
    name, label, icon, tone = "roll-back", "Roll back", "undo", "quiet-danger"
    dangerous = True
    done = "rolled back, the flag is off"

    def sentences(self, view: selectors.RampView, state: FlagState) -> Sequence[str]:
        return words.roll_back(view, state)

    def command(self) -> Callable[..., Any]:
        return steering.roll_back


COMMANDS: tuple[type[SteeringView], ...] = (Advance, Resume, Hold, Move, Skip, StepBack, RollBack)


def offered(ramp: Ramp, situation: Situation) -> list[Command]:
    """The commands that would not be refused as things stand."""
    state, danger = RampState(ramp.state), in_danger(situation.watches)
    moving = state in MOVING
    possible = {
        Advance: moving and situation.next is not None and not danger and not changed_by_others(situation),
        Resume: state is RampState.HELD and not danger,
        Hold: moving,
        Move: state in LIVE and situation.next is not None,
        Skip: moving and situation.next is not None,
        StepBack: not selectors.cannot_step_back(ramp, ramp.steps.all(), situation),
        RollBack: state in LIVE,
    }
    url = "admin:rollouts_ramp_{}".format
    return [
        Command(each.name, each.label, each.icon, each.tone, reverse(url(each.name), args=[ramp.pk]))
        for each in COMMANDS
        if possible[each]
    ]
