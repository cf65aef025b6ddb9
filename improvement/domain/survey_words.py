"""What the public page of a survey says, in its languages."""

from __future__ import annotations

from collections.abc import Mapping

WORDS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "title": "How satisfied are you?",
        "intro": "Tell us how payments work for you. We keep your answer, not who you are.",
        "legend": "From 1 (bad) to 5 (very good)",
        "words": "Anything you want to add",
        "trap": "Leave this empty",
        "send": "Send",
        "thanks": "Thank you",
        "kept": "Your answer has been kept.",
        "flaw": "This did not work",
        "ended": "This survey has ended, or the link is damaged.",
        "choose": "Choose 1 to 5.",
        "long": "Please shorten your text.",
        "many": "Too many answers came from here. Try again in an hour.",
        "late": "We cannot take this right now. Try again in a few minutes.",
    },
    "de": {
        "title": "Wie zufrieden sind Sie?",
        "intro": "Sagen Sie uns, wie Zahlungen für Sie funktionieren. Wir behalten Ihre Antwort, nicht wer Sie sind.",
        "legend": "Von 1 (schlecht) bis 5 (sehr gut)",
        "words": "Was Sie noch sagen möchten",
        "trap": "Dies bitte leer lassen",
        "send": "Senden",
        "thanks": "Danke",
        "kept": "Ihre Antwort ist gespeichert.",
        "flaw": "Das hat nicht geklappt",
        "ended": "Diese Umfrage ist beendet, oder der Link ist beschädigt.",
        "choose": "Wählen Sie 1 bis 5.",
        "long": "Bitte kürzen Sie Ihren Text.",
        "many": "Von hier kamen zu viele Antworten. Versuchen Sie es in einer Stunde noch einmal.",
        "late": "Das können wir gerade nicht annehmen. Versuchen Sie es in einigen Minuten noch einmal.",
    },
}
