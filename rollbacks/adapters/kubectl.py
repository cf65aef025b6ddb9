"""A cluster through kubectl: arguments in a list, no shell, everything limited in time."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from django.conf import settings

from core.masking import masked
from rollbacks.adapters.ports import Place
from rollbacks.domain.deciding import STATUS_LIMIT
from rollbacks.domain.deployment import ClusterError, Deployed, Pod, read, read_pods

GRACE = 1  # seconds that kubectl has after its own time-out, until it is killed
LOG = re.compile(r"^[IWEF]\d{4} [\d:.]+ ")
MOST_OUTPUT = 8 * 1024 * 1024
# What is ours; kubectl and its credential plugins get the rest of the environment.
OURS = ("SECRET_KEY", "DATABASE_URL", "REDIS_URL", "NCTOOL_MONGODB_URL", "SLACK_WEBHOOK_URL", "EMAIL_URL")


class Kubectl:
    """One Deployment by kubectl. Every call names its context and its namespace: none is a default."""

    def __init__(self, place: Place, *, binary: str, kubeconfig: str, timeout: int) -> None:
        self._place, self._binary, self._kubeconfig, self._timeout = place, binary, kubeconfig, timeout

    def look(self) -> Deployed:
        place = self._place
        deployment = self._json("get", "deployment", place.deployment)
        replica_sets = self._json("get", "replicasets", f"--selector={place.selector}")
        return read(deployment, replica_sets, container=place.container)

    def undo(self, revision: int) -> str:
        return self._ask(*self._undo(revision))

    def status(self, *, timeout: int, watch: float) -> str | None:
        try:
            return self._run(*self._status(timeout), limit=watch)
        except TimeoutError:
            return None

    def pods(self) -> list[Pod]:
        found = self._json("get", "pods", f"--selector={self._place.selector}")
        return read_pods(found, container=self._place.container)

    def by_hand(self, revision: int | None) -> Sequence[str]:
        lines: list[tuple[str, ...]] = (
            [] if revision else [("rollout", "history", f"deployment/{self._place.deployment}")]
        )
        lines += [
            self._undo(revision or "REVISION"),
            self._status(int(STATUS_LIMIT.total_seconds())),
            ("get", "pods", f"--selector={self._place.selector}"),
        ]
        return [shlex.join(["kubectl", *self._where(), *line]) for line in lines]

    def _where(self) -> tuple[str, str]:
        return (f"--context={self._place.context}", f"--namespace={self._place.namespace}")

    def _undo(self, revision: int | str) -> tuple[str, ...]:
        return ("rollout", "undo", f"deployment/{self._place.deployment}", f"--to-revision={revision}")

    def _status(self, timeout: int) -> tuple[str, ...]:
        return ("rollout", "status", f"deployment/{self._place.deployment}", f"--timeout={timeout}s")

    def _environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if name.removesuffix("_FILE") not in OURS}
        return kept | ({"KUBECONFIG": self._kubeconfig} if self._kubeconfig else {})

    def _json(self, *arguments: str) -> Mapping[str, Any]:
        told = self._ask(*arguments, "--output=json")
        try:
            found = json.loads(told)
        except ValueError as error:
            raise ClusterError(f"kubectl {arguments[0]} {arguments[1]} told no JSON: {masked(told)[:200]}") from error
        if not isinstance(found, dict):
            raise ClusterError(f"kubectl {arguments[0]} {arguments[1]} told no object.")
        return found

    def _ask(self, *arguments: str) -> str:
        return self._run(*arguments, f"--request-timeout={self._timeout}s", limit=self._timeout + GRACE)

    def _run(self, *arguments: str, limit: float) -> str:
        """What it said. ClusterError when it fails, or is not done after `limit` seconds (of a status: TimeoutError).

        It is in a group of its own, so that a plugin that it started ends with it.
        """
        command = f"kubectl {' '.join(arguments[:2])}"
        try:
            child = subprocess.Popen(  # noqa: S603 -- the binary is a setting, the arguments are a list
                [self._binary, *self._where(), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
                env=self._environment(),
            )
        except FileNotFoundError:
            raise ClusterError(f"There is no kubectl here ({self._binary}): set KUBECTL, or do it by hand.") from None
        except OSError as error:
            raise ClusterError(f"{self._binary} cannot be run: {error.strerror}.") from error
        try:
            out, err = child.communicate(timeout=limit)
        except subprocess.TimeoutExpired:
            _end(child)
            if "status" in arguments:
                raise TimeoutError from None
            raise ClusterError(
                f"{command} did not answer within {limit:g} s. Whether it did something is read from the deployment."
            ) from None
        if child.returncode != 0:
            raise ClusterError(f"{command} failed ({child.returncode}): {masked(_complaint(_text(err) or _text(out)))}")
        return _text(out)


def connect(place: Place) -> Kubectl:
    """The cluster of an environment: `KUBECONFIG_<ENVIRONMENT>`, or else `KUBECONFIG`, has the way to it."""
    name = place.environment.upper().replace("-", "_")
    kubeconfig = settings.KUBECONFIGS.get(name) or settings.KUBECONFIG
    return Kubectl(place, binary=settings.KUBECTL, kubeconfig=kubeconfig, timeout=settings.KUBECTL_TIMEOUT)


def _end(child: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    child.communicate()


def _complaint(text: str) -> str:
    """What kubectl says at last, without the lines of its log before it."""
    lines = [line for line in text.splitlines() if not LOG.match(line)]
    return "\n".join(lines) or text


def _text(output: bytes) -> str:
    return output[:MOST_OUTPUT].decode(errors="replace")
