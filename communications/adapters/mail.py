"""E-mail, through Django's own backend (EMAIL_URL)."""

from __future__ import annotations

import smtplib
from collections.abc import Sequence

from django.conf import settings
from django.core.mail import EmailMessage

from communications.domain.delivery import Failure, without_secrets
from communications.domain.message import Message


class Mail:
    """One mail to all recipients. A repeat carries the same Message-ID, so that mail programs fold it."""

    def __init__(self, recipients: Sequence[str]) -> None:
        self._recipients = list(recipients)

    def send(self, message: Message) -> Failure | None:
        mail = EmailMessage(
            subject=message.subject,
            body=f"{message.text}\n\n{_footer(message)}\n",
            to=list(dict.fromkeys([*self._recipients, *message.to])),
            headers={
                "Message-ID": f"<{message.key}@{_domain(settings.DEFAULT_FROM_EMAIL)}>",
                "X-Alert-Type": message.type.value,
                "X-Alert-Key": message.key,
                "Importance": "high",
            },
        )
        try:
            mail.send()
        except Exception as error:
            text = without_secrets(f"{type(error).__name__}: {error}", [settings.EMAIL_HOST_PASSWORD])
            return Failure(text, permanent=is_permanent(error))
        return None


def is_permanent(error: Exception) -> bool:
    """SMTP's 5xx: the server will not take this mail however often it is offered."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return all(500 <= code < 600 for code, _ in error.recipients.values())
    return isinstance(error, smtplib.SMTPResponseException) and 500 <= error.smtp_code < 600


def _footer(message: Message) -> str:
    return "\n".join(f"{name}={value}" for name, value in {**message.fields, "key": message.key}.items())


def _domain(address: str) -> str:
    return address.rpartition("@")[2].rstrip(">") or "localhost"
