"""One change of many flags in one environment: of all of them, or of none."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from django.db import transaction

from core.actors import Actor
from core.asking import ApprovalNeeded, Change, Need
from core.errors import DomainError, Invalid
from flags.domain.change import StateChange
from flags.models import FlagState
from flags.services import archiving, rollout
from flags.services.locking import lock_configuration

MOST = 1_000


@transaction.atomic
def change(
    keys: Collection[str], environment: str, wanted: StateChange, *, actor: Actor, reason: str, now: datetime
) -> list[FlagState]:
    """Set the wanted fields of these flags, each by its own event; the states of those that changed.

    Raises:
        ApprovalNeeded: one flag needs it, or several; its changes are those of all flags, so that they stay together.
        Invalid: no flag, or more than 1,000.
        DomainError: what the change of one flag refuses; its text names the flag.
    """
    _check(keys)
    lock_configuration(environment)
    done: list[FlagState] = []
    refused: list[Need] = []
    for key in sorted(set(keys)):
        try:
            state = rollout.change(key, environment, wanted, actor=actor, reason=reason, now=now)
        except ApprovalNeeded as needed:
            refused.extend(needed.needs)
        except DomainError as error:
            _name(error, key)
            raise
        else:
            done += [state] if state.changed_at == now else []
    if refused:
        changes = [Change("flag.state", key, wanted.to_dict()) for key in sorted(set(keys))]
        raise ApprovalNeeded(environment, changes, refused)
    return done


@transaction.atomic
def archive(keys: Collection[str], *, actor: Actor, reason: str, now: datetime) -> None:
    """Archive these flags, which takes them out of every environment. Raises as `archiving.archive`, and Invalid."""
    _check(keys)
    for key in sorted(set(keys)):
        archiving.archive(key, actor=actor, reason=reason, now=now)


def _check(keys: Collection[str]) -> None:
    if not 0 < len(keys) <= MOST:
        raise Invalid(f"Choose 1 to {MOST:,} flags, not {len(keys):,}.")


def _name(error: DomainError, key: str) -> None:
    """Say of which flag the refusal is, where its text does not."""
    if key not in str(error):
        error.args = (f"{key}: {error}",)
