"""Programs of this machine, for the commands of checklists."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from django.conf import settings

from core import program
from core.program import ProgramError


class LocalPrograms:
    """Those of `RUNNER_PROGRAMS`, run in `RUNNER_DIRECTORY`.

    They get a few common variables, those named by `RUNNER_ENVIRONMENT`, the way to the environment's cluster as
    `KUBECONFIG`, and the key of the environment as `ROLLOUT_ENVIRONMENT`. Nothing of ours: no database, no secret key.
    A program dies with the runner, where the system can see to that.
    """

    def __init__(self) -> None:
        self.allowed = frozenset(settings.RUNNER_PROGRAMS)
        given = {name: os.environ[name] for name in settings.RUNNER_ENVIRONMENT if name in os.environ}
        self.secrets = [value for value in given.values() if len(value) >= 6]
        self._environment = program.passed() | given

    def start(self, argv: Sequence[str], *, environment: str) -> program.Child:
        directory = settings.RUNNER_DIRECTORY
        if not directory or not Path(directory).is_dir():
            raise ProgramError(f"RUNNER_DIRECTORY is no directory where the runner is: {directory or 'it is not set'}.")
        name = environment.upper().replace("-", "_")
        kubeconfig = settings.KUBECONFIGS.get(name) or settings.KUBECONFIG
        passed = {**self._environment, "ROLLOUT_ENVIRONMENT": environment}
        if kubeconfig:
            passed["KUBECONFIG"] = kubeconfig
        return program.start(argv, environment=passed, directory=directory)
