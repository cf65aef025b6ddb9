"""A Deployment of Kubernetes as `kubectl get … -o json` tells it, and which of its revisions to go back to.

Revision numbers move: an undo gives the old template a new, higher number. So a revision is known by its pod
template, and its number is looked up right before it is used (docs/adr/0016-rollbacks.md).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

REVISION = "deployment.kubernetes.io/revision"
HASH = "pod-template-hash"


class ClusterError(Exception):
    """The cluster could not be asked, or refused. `str(error)` is for the operator, without secrets."""


@dataclass(frozen=True, slots=True)
class Revision:
    """One revision. `template` is the digest of its pod template, `name` that of its ReplicaSet.

    `created_at` is when the template was deployed first; an undo to it changes the number and not this.
    """

    number: int
    template: str
    image: str
    name: str
    created_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Deployed:
    """A Deployment now; `history` has every revision it still knows, the newest first.

    `settled`: the controller has seen the newest template, and every pod is of it and available.
    """

    uid: str
    template: str
    image: str
    history: tuple[Revision, ...]
    paused: bool
    wanted: int
    available: int
    settled: bool

    @property
    def revision(self) -> int:
        """The number of the template that is live; 0 while the controller has not numbered it yet."""
        return next((each.number for each in self.history if each.template == self.template), 0)

    def of_template(self, template: str) -> Revision | None:
        """The revision that has this template now, by whatever number."""
        return next((each for each in self.history if each.template == template), None)

    def of_number(self, number: int) -> Revision | None:
        """The revision that has this number now."""
        return next((each for each in self.history if each.number == number), None)

    def target(self, avoid: Collection[str]) -> Revision | None:
        """Where to go back to: the newest revision of another template that nobody has rolled back from."""
        fine = (each for each in self.history if each.template != self.template and each.template not in avoid)
        return next(fine, None)


@dataclass(frozen=True, slots=True)
class Pod:
    name: str
    phase: str
    ready: bool
    image: str


def read(deployment: Mapping[str, Any], replica_sets: Mapping[str, Any], *, container: str) -> Deployed:
    """What the two objects say. ClusterError when they are no such objects, or have no container of this name."""
    try:
        return _read(deployment, replica_sets, container)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ClusterError(f"kubectl told something that is no Deployment: {error!r}") from error


def read_pods(pods: Mapping[str, Any], *, container: str) -> list[Pod]:
    """The pods of a list as kubectl tells it."""
    try:
        return [_pod(item, container) for item in pods["items"]]
    except (KeyError, TypeError, AttributeError) as error:
        raise ClusterError(f"kubectl told something that is no list of pods: {error!r}") from error


def template_digest(template: Mapping[str, Any]) -> str:
    """Equal for equal pod templates, of the Deployment and of its ReplicaSet, which adds a label of its own."""
    plain = json.loads(json.dumps(template))
    plain.get("metadata", {}).get("labels", {}).pop(HASH, None)
    return hashlib.sha256(json.dumps(plain, sort_keys=True, separators=(",", ":")).encode()).hexdigest()[:16]


def _read(deployment: Mapping[str, Any], replica_sets: Mapping[str, Any], container: str) -> Deployed:
    spec, status, meta = deployment["spec"], deployment.get("status", {}), deployment["metadata"]
    wanted = int(spec.get("replicas", 1))
    seen = status.get("observedGeneration", 0) >= meta["generation"]
    counts = [int(status.get(name, 0)) for name in ("replicas", "updatedReplicas", "availableReplicas")]
    return Deployed(
        uid=meta["uid"],
        template=template_digest(spec["template"]),
        image=_image(spec["template"]["spec"]["containers"], container),
        history=_history(replica_sets["items"], meta["uid"], container),
        paused=bool(spec.get("paused", False)),
        wanted=wanted,
        available=counts[2],
        settled=seen and counts == [wanted] * 3,
    )


def _history(items: list[Mapping[str, Any]], uid: str, container: str) -> tuple[Revision, ...]:
    """Those that the Deployment owns; a ReplicaSet that merely has the same labels is none of its revisions."""
    found = [
        Revision(
            number=int(item["metadata"]["annotations"][REVISION]),
            template=template_digest(item["spec"]["template"]),
            image=_image(item["spec"]["template"]["spec"]["containers"], container),
            name=item["metadata"]["name"],
            created_at=_moment(item["metadata"].get("creationTimestamp")),
        )
        for item in items
        if any(owner["uid"] == uid for owner in item["metadata"].get("ownerReferences", ()))
        and REVISION in item["metadata"].get("annotations", {})
    ]
    return tuple(sorted(found, key=lambda each: -each.number))


def _pod(item: Mapping[str, Any], container: str) -> Pod:
    conditions = {each["type"]: each["status"] for each in item.get("status", {}).get("conditions", ())}
    return Pod(
        name=item["metadata"]["name"],
        phase=item.get("status", {}).get("phase", "Unknown"),
        ready=conditions.get("Ready") == "True",
        image=_image(item["spec"]["containers"], container),
    )


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _image(containers: list[Mapping[str, Any]], container: str) -> str:
    for each in containers:
        if each["name"] == container:
            return str(each["image"])
    known = ", ".join(str(each["name"]) for each in containers)
    raise ClusterError(f"The pods have no container {container!r}; they have {known}.")
