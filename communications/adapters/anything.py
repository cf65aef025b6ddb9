"""Every other service by its Apprise URL: Teams, Telegram, SMS and many more."""

from __future__ import annotations

import logging

from communications.adapters.answers import parts
from communications.domain.alerts import Severity
from communications.domain.delivery import Failure, without_secrets
from communications.domain.outgoing import Act, Outgoing, Receipt

_TYPES = {
    Severity.CRITICAL: "failure",
    Severity.HIGH: "failure",
    Severity.WARNING: "warning",
    Severity.INFO: "info",
}


class Apprise:
    """The URL is the secret. A new instance for each message: a used one sleeps between two."""

    def __init__(self, url: str) -> None:
        self._url, self._secrets = url, parts(url)

    def send(self, message: Outgoing) -> Receipt | Failure:
        import apprise  # 0.1 s and 27 MB, which only a sender with such a channel pays

        service = apprise.Apprise.instantiate(self._url, suppress_exceptions=True)
        if service is None:
            return Failure("Apprise does not know this URL.", permanent=True)
        text = f"{message.text}\n{message.link}" if message.link and message.link not in message.text else message.text
        kind = "success" if message.act is Act.CLOSE else _TYPES[message.severity]
        with _Heard() as heard:
            try:
                taken = bool(service.notify(body=text, title=message.subject, notify_type=kind))
            except Exception as error:
                return Failure(without_secrets(f"{type(error).__name__}: {error}", self._secrets))
        if taken:
            return Receipt(answer="ok")
        return Failure(without_secrets(heard.last or f"{service.service_name} did not take it.", self._secrets))


class _Heard(logging.Handler):
    """What Apprise says to its log is the only reason it gives, and names the URL: it is heard, and goes no further."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.last = ""

    def emit(self, record: logging.LogRecord) -> None:
        self.last = record.getMessage()

    def __enter__(self) -> _Heard:
        logger = logging.getLogger("apprise")
        self._propagated, logger.propagate = logger.propagate, False
        logger.addHandler(self)
        return self

    def __exit__(self, *_: object) -> None:
        logger = logging.getLogger("apprise")
        logger.removeHandler(self)
        logger.propagate = self._propagated
