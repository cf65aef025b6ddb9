"""What a rollback asks of a cluster."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from rollbacks.domain.deployment import Deployed, Pod


@dataclass(frozen=True, slots=True)
class Place:
    """Where an application runs: what the playbook's `applications` says of one environment."""

    environment: str
    context: str
    namespace: str
    deployment: str
    container: str
    selector: str


class Cluster(Protocol):
    """One Deployment in one cluster. Each call raises ClusterError when it cannot be asked or refuses."""

    def look(self) -> Deployed:
        """The Deployment and its revisions."""
        ...

    def undo(self, revision: int) -> str:
        """`rollout undo --to-revision`; what was said. Success is read from the object, not from this."""
        ...

    def status(self, *, timeout: int, watch: float) -> str | None:
        """`rollout status --timeout`, watched for `watch` seconds: what it said at the end, None while it goes on."""
        ...

    def pods(self) -> list[Pod]:
        """The pods by the selector."""
        ...

    def by_hand(self, revision: int | None) -> Sequence[str]:
        """The same as commands for a person; None: the revision has to be looked up first."""
        ...


Connect = Callable[[Place], Cluster]
