"""A process that must not outlive its parent, whatever ends the parent.

Linux tells it (PR_SET_PDEATHSIG); elsewhere nothing does, and a supervisor killed by SIGKILL leaves its children.
Run as a program it ties itself and becomes the command that follows: `lifeline.py PARENT COMMAND...`. For that it
imports nothing of ours: it starts in a few milliseconds.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

TIED = "NCTOOL_ROLLOUT_TIED"  # set for every process below the supervisor
PR_SET_PDEATHSIG = 1


def tie(parent: int) -> None:
    """Die with `parent`; at once when it is already gone. Call it in the main thread."""
    if sys.platform != "linux":
        return
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def tie_family() -> None:
    """Below a supervisor: this process dies with its parent, and each fork of it with this one.

    The kernel forgets the wish at a fork, and web server and worker fork processes of their own.
    """
    if TIED in os.environ:
        tie(os.getppid())
        os.register_at_fork(after_in_child=lambda: tie(os.getppid()))


if __name__ == "__main__":
    tie(int(sys.argv[1]))
    os.execv(sys.argv[2], sys.argv[2:])  # noqa: S606 - the supervisor's own commands
