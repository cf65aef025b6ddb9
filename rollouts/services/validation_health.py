"""applicationHealth: nctool answers and reports, and the parts of this product work."""

from __future__ import annotations

from datetime import timedelta

import orjson

from core.moments import span
from monitoring.selectors import health, store
from rollouts.adapters.validation_http import Http, Unreachable
from rollouts.domain.validation import Findings, Result, Subject

WINDOW = 600  # seconds over which `up` is looked at
MOSTLY = 95  # percent of its answers
SILENT = timedelta(minutes=2)


def check(subject: Subject, http: Http, *, address: str, nctool: str) -> Result:
    """`address` is where this product answers, `nctool` what stands for `${NCTOOL_URL}` in health addresses."""
    found = Findings()
    _nctool(subject, http, nctool, found)
    _reports(subject, found)
    _own(http, address, found)
    return found.result("nctool answers and reports, and every part of this product works.", "{} wrong.")


def _nctool(subject: Subject, http: Http, nctool: str, found: Findings) -> None:
    probes = list(health.probes(subject.environment_id))
    if not probes:
        found.tell("Health address of nctool", "none is asked: make a data source of the kind probe")
    for probe in probes:
        url = probe.url.replace("${NCTOOL_URL}", nctool.rstrip("/"))
        if not url or url.startswith("/"):
            found.tell(probe.name, "not configured here: NCTOOL_URL is not set")
            continue
        try:
            status = http.get(url, timeout=probe.timeout).status
            value, well = f"{url} answers {status}", 200 <= status < 300
        except Unreachable as error:
            value, well = str(error), False
        found.judge(probe.name, value, ok=well, todo="See why nctool's health address does not answer 200.")
        _was_up(subject, probe.key, probe.name, found)


def _was_up(subject: Subject, source: str, name: str, found: Findings) -> None:
    end = int(subject.now.timestamp())
    reads = store.read(subject.environment_id, "up", start=end - WINDOW, end=end, source=source)
    rows = [row for read in reads for row in read.rows]
    answers = sum(row.n for row in rows)
    if not answers:
        found.judge(
            f"{name}, last 10 min",
            "it was never asked",
            ok=False,
            todo="See on the page of data sources why it is not asked: the worker and the clock must run.",
        )
        return
    share = 100 * sum(row.sum for row in rows) / answers
    found.judge(
        f"{name}, last 10 min",
        f"up for {share:.0f} % of {answers} answers, at least {MOSTLY} % are needed",
        ok=share >= MOSTLY,
        todo="nctool was away: see its log for these ten minutes before you raise anything.",
    )


def _reports(subject: Subject, found: Findings) -> None:
    last = health.last_report(subject.environment_id)
    todo = "See that nctool sends its metrics and that its token has the scope report: nothing guards a silent release."
    if last is None:
        found.judge("Measurements", "none have ever been reported here", ok=False, todo=todo)
        return
    ago = max(subject.now - last, timedelta())
    value = f"the last {span(ago)} ago, at most {span(SILENT)} are fine"
    found.judge("Measurements", value, ok=ago <= SILENT, todo=todo)


def _own(http: Http, address: str, found: Findings) -> None:
    """This product's parts, as its own `/readyz` tells them."""
    if not address:
        todo = "Set SELF_URL to where its web server answers, for example http://127.0.0.1:8000."
        found.judge("This product", "no address of its web server is known", ok=False, todo=todo)
        return
    url = f"{address.rstrip('/')}/readyz"
    todo = "See that the web server runs and answers at SELF_URL."
    try:
        answer = http.get(url, headers={"X-Forwarded-Proto": "https"})
        parts = orjson.loads(answer.body)["parts"]
        told = {str(name): (str(part["state"]), str(part.get("detail", ""))) for name, part in parts.items()}
    except Unreachable as error:
        found.judge("This product", str(error), ok=False, todo=todo)
        return
    except (ValueError, KeyError, TypeError, AttributeError):
        found.judge("This product", f"{url} answers {answer.status} and does not tell its parts", ok=False, todo=todo)
        return
    for name, (state, detail) in told.items():
        value = f"{state}: {detail}" if detail else state
        found.judge(f"This product: {name}", value, ok=state == "ok", todo=f"Mend {name}: docs/operate.md tells how.")
