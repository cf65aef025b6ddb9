"""The settings under test: the product's own, in an environment that owns nothing of this machine.

`DATABASE_URL` alone is taken over, so that the same tests run on PostgreSQL.
"""

from __future__ import annotations

import os
import tempfile

_OURS = {
    "DATA_DIR": tempfile.mkdtemp(prefix="nctool-rollout-tests-"),
    "SECRET_KEY": "a key for the tests, which keeps nothing secret from anybody at all",
    "PRODUCTION": "off",
    "HTTPS": "off",
    "DEBUG": "off",
    "EMBEDDED_REDIS_PORT": "1",  # nothing listens there: tests that need a server start one
    "EMBEDDED_MONGODB_PORT": "1",
    "HOME_SECONDS": "0",  # what one test saw is nothing to the next
}
for _name in (
    *(
        "REDIS_URL",
        "NCTOOL_MONGODB_URL",
        "SLACK_WEBHOOK_URL",
        "ALERT_EMAILS",
        "EMAIL_URL",
        "PUBLIC_URL",
        "SELF_URL",
        "NCTOOL_URL",
        "PORT",
        "HOST",
    ),
    *("ALLOWED_HOSTS", "CSRF_TRUSTED_ORIGINS", "CORS_ALLOWED_ORIGINS", "SIMULATOR", "TIME_ZONE"),
):
    os.environ.pop(_name, None)
    os.environ.pop(f"{_name}_FILE", None)
os.environ.update(_OURS)

from nctool_rollout.settings import *  # noqa: E402, F403
from nctool_rollout.settings import DATA_DIR, DATABASES  # noqa: E402

if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    DATABASES["default"]["TEST"] = {"NAME": str(DATA_DIR / "test.sqlite3")}  # a file: threads share it, with its locks
WHITENOISE_AUTOREFRESH = True  # a static file is found when it is asked for: each test client would list them all
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
