"""One settings file for every place it runs in; each difference is an environment variable.

docs/configuration.md lists them all. Production is told by `DATABASE_URL` (or `PRODUCTION=on`): there
nothing has a default that would be unsafe. Without it the system is the embedded set-up of `make run`,
which keeps everything it writes below `DATA_DIR`.
"""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any

import django_stubs_ext
from csp.constants import SELF, UNSAFE_EVAL, UNSAFE_INLINE
from django.core.exceptions import ImproperlyConfigured

from nctool_rollout import env, logs
from nctool_rollout.sidebar import UNFOLD as UNFOLD
from nctool_rollout.supervisor import run_file

django_stubs_ext.monkeypatch()

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = Path(env.text("DATA_DIR") or BASE_DIR / "data").expanduser().resolve()
DATABASE_URL = env.text("DATABASE_URL")
REDIS_URL = env.text("REDIS_URL")
NCTOOL_MONGODB_URL = env.text("NCTOOL_MONGODB_URL")
PRODUCTION = env.boolean("PRODUCTION", default=bool(DATABASE_URL))
DEBUG = env.boolean("DEBUG", default=False)
HTTPS = env.boolean("HTTPS", default=PRODUCTION)

HOST = env.text("HOST", "127.0.0.1")
PORT = env.integer("PORT", 8000)
WEB_PROCESSES = env.integer("WEB_PROCESSES", 2)
WORKER_PROCESSES = env.integer("WORKER_PROCESSES", 2)
SIMULATOR = env.boolean("SIMULATOR", default=not (PRODUCTION or DATABASE_URL or REDIS_URL or NCTOOL_MONGODB_URL))
SIMULATOR_RATE = env.integer("SIMULATOR_RATE", 20)
SIMULATOR_PORT = env.integer("SIMULATOR_PORT", 3099)
DEMO_USERS = env.boolean("DEMO_USERS", default=not PRODUCTION)


def _secret_key() -> str:
    """The key from the environment; the embedded set-up makes its own once and keeps it in DATA_DIR."""
    key = env.text("SECRET_KEY")
    if key:
        return key
    if PRODUCTION:
        raise ImproperlyConfigured(
            "SECRET_KEY is not set. Production needs one: put 50 or more random characters into SECRET_KEY, "
            "or name a file that holds them with SECRET_KEY_FILE."
        )
    kept = DATA_DIR / "secret_key"
    try:
        DATA_DIR.mkdir(mode=0o700, parents=True, exist_ok=True)
        with kept.open("x", encoding="ascii") as file:
            kept.chmod(0o600)
            file.write(secrets.token_urlsafe(50))
    except FileExistsError:
        pass
    except OSError as error:
        raise ImproperlyConfigured(f"DATA_DIR={DATA_DIR} cannot be written: {error.strerror}.") from error
    return kept.read_text(encoding="ascii")


SECRET_KEY = _secret_key()
ALLOWED_HOSTS = env.words("ALLOWED_HOSTS", "" if PRODUCTION else "localhost,127.0.0.1,[::1]")
CSRF_TRUSTED_ORIGINS = env.words("CSRF_TRUSTED_ORIGINS")

INSTALLED_APPS = [
    "unfold",
    "unfold.contrib.filters",
    "unfold.contrib.forms",
    "crispy_forms",
    "axes",
    "csp",
    "ninja",  # for the files of Swagger UI
    "django.contrib.admin.apps.SimpleAdminConfig",  # the screens are loaded with the addresses: see urls.py
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django_mongodb_backend",
    "core",
    "flags",
    "monitoring",
    "migrations_app",
    "alerting",
    "risk",
    "rollouts",
    "approvals",
    "plans",
    "rollbacks",
    "oncall",
    "statuspage",
    "incidents",
    "communications",
    "audit",
    "improvement",
    "kpis",
    "reports",
    "nctool_rollout",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "nctool_rollout.problems.ProblemMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.gzip.GZipMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "axes.middleware.AxesMiddleware",
    "nctool_rollout.idempotency.IdempotencyMiddleware",
]
ROOT_URLCONF = "nctool_rollout.urls"
WSGI_APPLICATION = "nctool_rollout.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]
CRISPY_TEMPLATE_PACK = "unfold_crispy"
CRISPY_ALLOWED_TEMPLATE_PACKS = ["unfold_crispy"]

# Where the servers are: as given, or as `manage.py up` on this DATA_DIR started them, or where it would.
EMBEDDED_MONGODB_PORT = env.integer("EMBEDDED_MONGODB_PORT", 27117)
EMBEDDED_REDIS_PORT = env.integer("EMBEDDED_REDIS_PORT", 16479)
RUNNING = run_file.read(DATA_DIR)
REDIS = REDIS_URL or (RUNNING.redis if RUNNING else f"redis://127.0.0.1:{EMBEDDED_REDIS_PORT}/0")
NCTOOL_MONGODB = NCTOOL_MONGODB_URL or (
    RUNNING.mongodb if RUNNING else f"mongodb://127.0.0.1:{EMBEDDED_MONGODB_PORT}/nctool"
)
# The database of each environment, for migrations: NCTOOL_MONGODB_URL is that of NCTOOL_MONGODB_ENVIRONMENT, others by
# the name of the environment in capitals. The name of the database is in the URL, or NCTOOL_MONGODB_NAME.
NCTOOL_MONGODB_NAME = env.text("NCTOOL_MONGODB_NAME", "nctool")
NCTOOL_MONGODB_ENVIRONMENT = env.text("NCTOOL_MONGODB_ENVIRONMENT", "production")
NCTOOL_MONGODBS = env.by_suffix("NCTOOL_MONGODB_URL_")
# Makes a backup of an environment's database; others by the name of the environment in capitals.
BACKUP_COMMAND = env.text("BACKUP_COMMAND")
BACKUP_COMMANDS = env.by_suffix("BACKUP_COMMAND_")
# On where a database is set up by its URL: a first look at the embedded one is not held up.
MIGRATION_INTERLOCK = env.boolean("MIGRATION_INTERLOCK", default=bool(NCTOOL_MONGODB_URL or NCTOOL_MONGODBS))
MIGRATION_JOURNAL_RETENTION_DAYS = env.integer("MIGRATION_JOURNAL_RETENTION_DAYS", 90)  # 0: for ever
NCTOOL_MIGRATIONS = env.text("NCTOOL_MIGRATIONS", str(BASE_DIR / "nctool_migrations"))
DATABASES: dict[str, dict[str, Any]] = {
    "default": env.control_plane(DATA_DIR / "control.sqlite3"),
    "nctool": {
        "ENGINE": "django_mongodb_backend",
        "NAME": NCTOOL_MONGODB_NAME,
        "HOST": NCTOOL_MONGODB,
        # The driver's heartbeat waits for connectTimeoutMS, and when it fails every question under way is cancelled and
        # asked again: a server that is busy with a long one must not be taken for dead. What a page waits for is in
        # migrations_app/adapters/mongo.py.
        "OPTIONS": {"serverSelectionTimeoutMS": 1500, "connectTimeoutMS": 10_000, "socketTimeoutMS": 5000},
    },
}
DATABASE_ROUTERS = ["migrations_app.adapters.router.NctoolRouter"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "core.User"

AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
AXES_FAILURE_LIMIT = env.integer("LOGIN_ATTEMPTS", 5)
AXES_COOLOFF_TIME = 0.25  # hours
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_CLIENT_IP_CALLABLE = "core.proxy.client_address"
AXES_USERNAME_CALLABLE = "core.proxy.attempted_name"
AXES_RESET_ON_SUCCESS = True
AXES_VERBOSE = False
AXES_LOCKOUT_TEMPLATE = "lockout.html"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "admin:index"

LANGUAGE_CODE = "en-gb"
TIME_ZONE = env.zone("TIME_ZONE", "UTC")
USE_TZ = True
# Before Django's own words, which mean other things; the admin is English.
LOCALE_PATHS = [BASE_DIR / "statuspage" / "locale"]

STATIC_URL = "static/"
STATIC_ROOT = env.text("STATIC_ROOT") or None  # only for a proxy that serves them: whitenoise finds them itself
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = True
WHITENOISE_MAX_AGE = 3600

SECURE_SSL_REDIRECT = HTTPS
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_AGE = 12 * 3600
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "img-src": [SELF, "data:"],
        "style-src": [SELF, UNSAFE_INLINE],  # Unfold sets style attributes
        "script-src": [SELF, UNSAFE_EVAL],  # Alpine evaluates its attributes; no inline script is allowed
        "frame-ancestors": ["'none'"],
        "form-action": [SELF],
        "base-uri": [SELF],
        "object-src": ["'none'"],
    }
}

CELERY_BROKER_URL = REDIS
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_BROKER_TRANSPORT_OPTIONS = {"visibility_timeout": 90, "socket_connect_timeout": 2}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_TIME_LIMIT = 60
CELERY_TIMEZONE = "UTC"
CELERY_WORKER_HIJACK_ROOT_LOGGER = False  # one line format for all

DATA_UPLOAD_MAX_MEMORY_SIZE = 12 * 1024 * 1024  # 100,000 pasted npubs are 6.4 MB
DATA_UPLOAD_MAX_NUMBER_FIELDS = 2000

EMAIL_CONFIG = env.mail("EMAIL_URL", "consolemail://")
EMAIL_BACKEND = EMAIL_CONFIG["EMAIL_BACKEND"]
EMAIL_HOST = EMAIL_CONFIG.get("EMAIL_HOST") or "localhost"
EMAIL_PORT = EMAIL_CONFIG.get("EMAIL_PORT") or 25
EMAIL_HOST_USER = EMAIL_CONFIG.get("EMAIL_HOST_USER") or ""
EMAIL_HOST_PASSWORD = EMAIL_CONFIG.get("EMAIL_HOST_PASSWORD") or ""
EMAIL_USE_TLS = EMAIL_CONFIG.get("EMAIL_USE_TLS", False)
EMAIL_USE_SSL = EMAIL_CONFIG.get("EMAIL_USE_SSL", False)
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = env.text("DEFAULT_FROM_EMAIL", "rollout@localhost")
EMAIL_LISTS = {  # what the communication plan calls by these names
    "ALERT_EMAILS": env.words("ALERT_EMAILS"),
    "MANAGEMENT_EMAILS": env.words("MANAGEMENT_EMAILS"),
    "PARTNER_EMAILS": env.words("PARTNER_EMAILS"),
}
SLACK_WEBHOOK_URL = env.text("SLACK_WEBHOOK_URL")
CHANNEL_SECRETS = {  # what a channel may take its secret from (`manage.py setup` makes the channels)
    "SLACK_WEBHOOK_URL": SLACK_WEBHOOK_URL,
    "SLACK_BOT_TOKEN": env.text("SLACK_BOT_TOKEN"),
    "PAGERDUTY_ROUTING_KEY": env.text("PAGERDUTY_ROUTING_KEY"),
}
ALERTMANAGER_URL = env.text("ALERTMANAGER_URL")
CHANNEL_KEYS = env.words("CHANNEL_KEYS")  # encrypt the secrets that people set, the newest first
AUDIT_KEY = env.text("AUDIT_KEY")  # signs the heads of the event log's chains; empty: they are not signed
AUDIT_PUBLIC_KEYS = env.words("AUDIT_PUBLIC_KEYS")  # also trusted: of former keys, or where the key is kept elsewhere
ACCESS_REVIEW_DAYS = env.integer("ACCESS_REVIEW_DAYS", 90)
ALLOW_NETWORKS = env.words("ALLOW_NETWORKS")  # private ones that addresses which people type may lead into
HEARTBEAT_URL = env.text("HEARTBEAT_URL")  # a dead-man's switch elsewhere; empty: there is none
PUBLIC_URL = env.text("PUBLIC_URL") or (RUNNING.url if RUNNING else "")
SELF_URL = env.text("SELF_URL") or (RUNNING.url if RUNNING else PUBLIC_URL)
NCTOOL_URL = env.text("NCTOOL_URL") or (RUNNING.nctool if RUNNING else "")
KUBECTL = env.text("KUBECTL", "kubectl")
KUBECTL_TIMEOUT = env.integer("KUBECTL_TIMEOUT", 5)  # seconds
KUBECONFIG = env.text("KUBECONFIG")
KUBECONFIGS = env.by_suffix("KUBECONFIG_")  # by the name of the environment, in capitals
RUNNER_PROGRAMS = env.words("RUNNER_PROGRAMS")  # what the runner may run; empty: there is none
RUNNER_DIRECTORY = env.text("RUNNER_DIRECTORY")
RUNNER_ENVIRONMENT = env.words("RUNNER_ENVIRONMENT")
VALIDATION_EVERY_HOURS = env.integer("VALIDATION_EVERY_HOURS", 24)

METRICS_RETENTION_DAYS = env.integer("METRICS_RETENTION_DAYS", 7)
METRICS_5M_RETENTION_DAYS = env.integer("METRICS_5M_RETENTION_DAYS", 30)
METRICS_1H_RETENTION_DAYS = env.integer("METRICS_1H_RETENTION_DAYS", 365)
RISK_RETENTION_DAYS = env.integer("RISK_RETENTION_DAYS", 90)
KPI_RETENTION_DAYS = env.integer("KPI_RETENTION_DAYS", 3_660)
JUDGEMENTS_RETENTION_DAYS = env.integer("JUDGEMENTS_RETENTION_DAYS", 30)
RECEIPTS_RETENTION_DAYS = env.integer("RECEIPTS_RETENTION_DAYS", 2)
COMPLAINTS_RETENTION_DAYS = env.integer("COMPLAINTS_RETENTION_DAYS", 365)
SNAPSHOT_POLL_SECONDS = env.integer("SNAPSHOT_POLL_SECONDS", 5)
EVALUATION_LIMIT_PER_MINUTE = env.integer("EVALUATION_LIMIT_PER_MINUTE", 2_000_000)
API_LIMIT_PER_MINUTE = env.integer("API_LIMIT_PER_MINUTE", 6_000)
CORS_ALLOWED_ORIGINS = env.words("CORS_ALLOWED_ORIGINS", "*")
EVENTS_RETENTION_DAYS = env.integer("EVENTS_RETENTION_DAYS", 0)
METRICS_PUBLIC = env.boolean("METRICS_PUBLIC", default=False)
USAGE_RETENTION_DAYS = env.integer("USAGE_RETENTION_DAYS", 90)
SEEN_UNITS = env.integer("SEEN_UNITS", 20_000)  # npubs remembered of each environment, for previews
HOME_SECONDS = env.integer("HOME_SECONDS", 5)  # home and the wall screen read what all people see at most so often
STREAM_PORT = env.integer("STREAM_PORT", PORT + 1)
STREAM_CONNECTIONS = env.integer("STREAM_CONNECTIONS", 2_000)
STREAM_URL = env.text("STREAM_URL") or (RUNNING.stream if RUNNING else "")

LOGGING = logs.config(env.choice("LOG_LEVEL", ("DEBUG", "INFO", "WARNING", "ERROR"), "INFO"))
