"""Every other service by its Apprise URL: Teams, Telegram, SMS and many more."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from communications.adapters.answers import parts
from communications.adapters.exchange import DEADLINE
from communications.domain.alerts import Severity
from communications.domain.delivery import Failure, without_secrets
from communications.domain.outgoing import Act, Outgoing, Receipt
from communications.domain.setups import acts_here

PROGRAM = Path(__file__).with_name("apprise_process.py")
_TYPES = {
    Severity.CRITICAL: "failure",
    Severity.HIGH: "failure",
    Severity.WARNING: "warning",
    Severity.INFO: "info",
}


class Apprise:
    """The URL is the secret. Each message has a process of its own, which ends when its time is over."""

    def __init__(self, url: str, *, seconds: float = DEADLINE) -> None:
        self._url, self._secrets, self._seconds = url, parts(url), seconds

    def send(self, message: Outgoing) -> Receipt | Failure:
        if acts_here(self._url):
            return Failure("This Apprise URL leads to nobody outside, but to this machine.", permanent=True)
        text = f"{message.text}\n{message.link}" if message.link and message.link not in message.text else message.text
        kind = "success" if message.act is Act.CLOSE else _TYPES[message.severity]
        given = {"url": self._url, "body": text, "title": message.subject, "type": kind}
        try:
            done = subprocess.run(  # noqa: S603 - our own program; the URL is its input
                [sys.executable, "-I", str(PROGRAM)],
                input=json.dumps(given).encode(),
                capture_output=True,
                timeout=self._seconds,
            )
            answer = json.loads(done.stdout.splitlines()[-1])
        except subprocess.TimeoutExpired:
            return Failure(f"It did not take it within {self._seconds:g} s.")
        except (OSError, ValueError, IndexError):
            return Failure("Apprise broke off: it ran out of memory, or could not be started.")
        if not answer["known"]:
            return Failure("Apprise does not know this URL.", permanent=True)
        if answer["taken"]:
            return Receipt(answer="ok")
        return Failure(without_secrets(answer["told"], self._secrets))
