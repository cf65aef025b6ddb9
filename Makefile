# make run     the whole system on this machine; PORT and DATA_DIR say where (8000, ./data); ARGS=-v shows its logs
# make demo    the story in three minutes
# make test    all tests, with servers and browser of their own
# make check   format, lint, types, layers, migrations, settings; no tests
# Needs Python 3.11 to 3.13, make and pip. PYTHON=... chooses one.

PY := .venv/bin/python
# What the checks run with: nothing of this machine's environment, nothing written.
QUIET := env -u REDIS_URL -u NCTOOL_MONGODB_URL SECRET_KEY=for-checks DATABASE_URL=sqlite://:memory: PRODUCTION=off
DEPLOYED := env -u DEBUG -u HTTPS DATABASE_URL=postgres://rollout@db/rollout PRODUCTION=on ALLOWED_HOSTS=rollout.example.org \
	SECRET_KEY=$$($(PY) -c 'import secrets; print(secrets.token_urlsafe(50))') REDIS_URL=redis://redis:6379/0 \
	NCTOOL_MONGODB_URL=mongodb://mongo/nctool SLACK_WEBHOOK_URL=https://hooks.slack.com/services/x

.PHONY: run demo test check venv-embedded venv-dev

run: venv-embedded
	@$(PY) manage.py setup
	@$(PY) manage.py up $(ARGS)

demo: venv-embedded
	@$(PY) manage.py demo $(ARGS)

test: venv-dev
	@$(PY) -m tests.run $(ARGS)

check: venv-dev
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .
	.venv/bin/lint-imports
	.venv/bin/mypy .
	@$(QUIET) $(PY) manage.py makemigrations --check --dry-run
	@$(QUIET) $(PY) manage.py check --fail-level WARNING
	@$(DEPLOYED) $(PY) manage.py check --deploy --fail-level WARNING
	@$(QUIET) $(PY) manage.py playbook schema | diff - docs/playbook.schema.json

venv-embedded venv-dev: venv-%:
	@.ci/venv $*
