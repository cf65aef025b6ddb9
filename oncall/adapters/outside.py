"""The dead-man's switch: a service elsewhere that raises the alarm when our sign does not come."""

from __future__ import annotations

import logging

import requests

PATIENCE = 5.0  # seconds

log = logging.getLogger(__name__)


def sign(url: str) -> bool:
    """Give the sign; whether it was taken. The address is a secret: it is not logged."""
    try:
        with requests.get(url, timeout=PATIENCE, allow_redirects=False, stream=True) as answer:
            taken = answer.ok  # what it says besides is not read
    except requests.RequestException as error:
        log.warning("The dead-man's switch cannot be reached: %s", type(error).__name__)
        return False
    if not taken:
        log.warning("The dead-man's switch answers %s", answer.status_code)
    return taken
