"""E-mail, through Django's own backend (EMAIL_URL)."""

from __future__ import annotations

import smtplib
import socket
from contextlib import suppress
from threading import Thread

from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection

from communications.adapters.exchange import DEADLINE
from communications.domain.delivery import Failure, without_secrets
from communications.domain.message import one_line
from communications.domain.outgoing import Outgoing, Receipt

URGENT = ("critical", "high")


class Mail:
    """One mail to one recipient. A repeat carries the same Message-ID, so that mail programs fold it."""

    def __init__(self, *, seconds: float = DEADLINE) -> None:
        self._seconds = seconds

    def send(self, message: Outgoing) -> Receipt | Failure:
        mail = EmailMultiAlternatives(
            subject=one_line(message.subject, 200),
            body=f"{message.text}\n\n{_footer(message)}\n",
            to=[message.target],
            headers=_headers(message),
            connection=get_connection(),
        )
        if message.html:
            mail.attach_alternative(message.html, "text/html")
        error = _sent(mail, within=self._seconds)
        if error is not None:
            text = without_secrets(f"{type(error).__name__}: {error}", [settings.EMAIL_HOST_PASSWORD])
            return Failure(text, permanent=is_permanent(error))
        return Receipt(reference=_id(message.key), answer="250")


def _sent(mail: EmailMultiAlternatives, *, within: float) -> Exception | None:
    """What went wrong. In a thread that can be given up: smtplib waits for each byte of an answer anew."""
    trouble: list[Exception] = []

    def send() -> None:
        try:
            mail.send()
        except Exception as error:
            trouble.append(error)

    thread = Thread(target=send, daemon=True)
    thread.start()
    thread.join(within)
    if not thread.is_alive():
        return trouble[0] if trouble else None
    line = getattr(getattr(mail.connection, "connection", None), "sock", None)
    if line is not None:
        with suppress(OSError):
            line.shutdown(socket.SHUT_RDWR)
    return TimeoutError(f"the mail server did not take it within {within:g} s")


def is_permanent(error: Exception) -> bool:
    """SMTP's 5xx: the server will not take this mail however often it is offered. So is an address that is none."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return all(500 <= code < 600 for code, _ in error.recipients.values())
    if isinstance(error, ValueError | UnicodeError):
        return True
    return isinstance(error, smtplib.SMTPResponseException) and 500 <= error.smtp_code < 600


def _headers(message: Outgoing) -> dict[str, str]:
    headers = {
        "Message-ID": _id(message.key),
        "X-Alert-Type": message.fields.get("type", ""),
        "X-Alert-Key": message.key,
        "Importance": "high" if message.severity.value in URGENT else "normal",
        "Auto-Submitted": "auto-generated",
    }
    if message.reference:
        headers |= {"In-Reply-To": message.reference, "References": message.reference}
    if message.fields.get("unsubscribe"):  # RFC 8058
        headers["List-Unsubscribe"] = f"<{message.fields['unsubscribe']}>"
        headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    return {name: one_line(value, 900) for name, value in headers.items() if value}


def _footer(message: Outgoing) -> str:
    """For programs. A subscriber gets the way out in place of it."""
    if message.fields.get("unsubscribe"):
        return f"No more of these: {message.fields['unsubscribe']}"
    return "\n".join(f"{name}={value}" for name, value in {**message.fields, "key": message.key}.items())


def _id(key: str) -> str:
    domain = settings.DEFAULT_FROM_EMAIL.rpartition("@")[2].rstrip(">") or "localhost"
    return f"<{key}@{domain}>"
