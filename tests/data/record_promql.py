"""Ask a real Prometheus what our evaluator must answer: `python tests/data/record_promql.py PROMETHEUS PROMTOOL`.

Both programs are in Debian's package `prometheus` (`apt-get download prometheus && dpkg-deb -x prometheus*.deb .`).
The series are made here, always the same; `promtool` puts them into a data directory, and what Prometheus answers is
written to tests/data/promql.json.
"""

from __future__ import annotations

import json
import math
import random
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

HERE = Path(__file__).parent
BEGIN = 1_700_000_000
PORT = 19_397
INSTANTS = [BEGIN + seconds for seconds in (7, 60, 305, 600, 905, 1203, 1500)]
EXPRESSIONS = """
g
g{host="a"}
g{host!="a"}
g{host=~"a|b"}
g{host!~"a|b"}
g{missing=""}
g offset 2m
-g
g + 1
2 - g
g / 0
g % 7
g ^ 2
g > 50
50 < g
g > bool 50
g == g
g and c_total
g + on(host) h
g * on(host) group_left(team) info
info * on(host) group_right() g
g and on(host) info{team="x"}
g or h
g unless on(host) info
sum(g)
sum by (host) (c_total)
sum without (host) (c_total)
avg(g)
min by (host) (g)
max(g)
count(c_total)
group by (host) (c_total)
stddev(g)
stdvar(g)
quantile(0.9, g)
topk(2, g)
bottomk(1, c_total)
rate(c_total[1m])
rate(c_total[5m])
increase(c_total[5m])
increase(c_total{host="b"}[2m] offset 1m)
irate(c_total[1m])
delta(g[3m])
idelta(g[1m])
resets(c_total[10m])
changes(g[5m])
avg_over_time(g[5m])
min_over_time(g[5m])
max_over_time(g[5m])
sum_over_time(g[5m])
count_over_time(gap[5m])
last_over_time(g[2m])
stddev_over_time(g[5m])
quantile_over_time(0.5, g[5m])
present_over_time(gap[1m])
absent(nothing{a="b"})
absent(g)
absent_over_time(gap[30s])
scalar(g{host="a"}) + 1
vector(3)
time()
abs(g - 60)
ceil(g)
floor(g)
round(g, 5)
clamp(g, 20, 60)
clamp_min(g, 50)
ln(g)
sqrt(g)
sgn(g - 50)
histogram_quantile(0.95, rate(t_bucket[5m]))
histogram_quantile(0.5, sum by (le) (rate(t_bucket[5m])))
histogram_quantile(0.99, t_bucket)
rate(t_sum[5m]) / rate(t_count[5m])
sum(rate(c_total{code="500"}[5m])) / sum(rate(c_total[5m])) * 100
100 * sum by (host) (increase(c_total{code="500"}[2m])) / sum by (host) (increase(c_total[2m])) > 5
sum(rate(c_total[1m])) < 0.5 * sum(rate(c_total[1m] offset 5m))
gap
gap > 0 and on() sum(increase(c_total[1m])) >= 10
nan_g
max(nan_g)
nan_g > 1
label_replace(g, "feature", "$1-x", "host", "(a|b)")
label_replace(g, "host", "", "host", ".*a.*")
""".strip().splitlines()


def series() -> dict[str, list[tuple[int, float]]]:
    """Twenty-five minutes of gauges, counters with resets, a histogram, gaps and NaN."""
    dice = random.Random(7)
    found: dict[str, list[tuple[int, float]]] = {}
    times = range(BEGIN, BEGIN + 1510, 10)
    for host, level in (("a", 20.0), ("b", 55.0), ("c", 90.0)):
        found[f'g{{host="{host}"}}'] = [(at, round(level + dice.uniform(-15, 15), 3)) for at in times]
        for code, pace in (("200", 3.0), ("500", 0.2)):
            total, points = 0.0, []
            for number, at in enumerate(times):
                total = 0.0 if host == "b" and number in (40, 41, 97) else total + round(dice.expovariate(1 / pace))
                points.append((at, total))
            found[f'c_total{{host="{host}",code="{code}"}}'] = points
    found['h{host="a"}'] = [(at, float(at % 70)) for at in times]
    found['info{host="a",team="x"}'] = [(at, 1.0) for at in times]
    found['info{host="c",team="y"}'] = [(at, 1.0) for at in times if at < BEGIN + 900]
    found["gap"] = [(at, 1.0) for at in times if (at - BEGIN) % 600 < 200]
    found['nan_g{host="a"}'] = [(at, math.nan if at % 40 == 0 else 2.0) for at in times]
    found['nan_g{host="b"}'] = [(at, math.nan) for at in times]
    counts = {"0.1": 0.0, "0.5": 0.0, "1": 0.0, "5": 0.0, "+Inf": 0.0}
    lines: dict[str, list[tuple[int, float]]] = {f't_bucket{{le="{le}"}}': [] for le in counts} | {
        "t_sum": [],
        "t_count": [],
    }
    total = 0.0
    for at in times:
        for _ in range(dice.randint(0, 6)):
            took = dice.lognormvariate(-0.5, 1)
            total += took
            for le in counts:
                counts[le] += took <= float(le)
        for le, count in counts.items():
            lines[f't_bucket{{le="{le}"}}'].append((at, count))
        lines["t_sum"].append((at, round(total, 6)))
        lines["t_count"].append((at, counts["+Inf"]))
    return found | lines


def openmetrics(found: dict[str, list[tuple[int, float]]]) -> str:
    """As `promtool tsdb create-blocks-from openmetrics` takes it."""
    rows = []
    for name in sorted(found, key=lambda one: one.partition("{")[0]):
        rows += [f"{name} {'NaN' if math.isnan(value) else value} {at}" for at, value in found[name]]
    return "\n".join([*rows, "# EOF", ""])


def ask(expression: str, at: int) -> object:
    query = urllib.parse.urlencode({"query": expression, "time": at})
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{PORT}/api/v1/query?{query}", timeout=10) as response:
            data = json.load(response)["data"]
    except urllib.error.HTTPError as error:
        return {"error": json.load(error)["error"]}
    if data["resultType"] == "scalar":
        return data["result"][1]
    return sorted([[sorted(one["metric"].items()), one["value"][1]] for one in data["result"]])


def main(prometheus: str, promtool: str) -> None:
    with tempfile.TemporaryDirectory() as directory:
        place = Path(directory)
        (place / "series.txt").write_text(openmetrics(series()))
        (place / "prometheus.yml").write_text("global: {}\n")
        blocks = [promtool, "tsdb", "create-blocks-from", "openmetrics", str(place / "series.txt"), str(place / "data")]
        subprocess.run(blocks, check=True, stdout=subprocess.DEVNULL)
        command = [prometheus, f"--config.file={place / 'prometheus.yml'}", f"--storage.tsdb.path={place / 'data'}"]
        options = [f"--web.listen-address=127.0.0.1:{PORT}", "--storage.tsdb.retention.time=20y"]
        server = subprocess.Popen([*command, *options], stderr=subprocess.DEVNULL)
        try:
            time.sleep(3)
            answers = {expression: [ask(expression, at) for at in INSTANTS] for expression in EXPRESSIONS}
        finally:
            server.terminate()
            server.wait(10)
    (HERE / "promql.json").write_text(json.dumps(answers, separators=(",", ":")) + "\n")
    filled = sum(bool(answer) for row in answers.values() for answer in row)
    print(f"{len(answers)} expressions at {len(INSTANTS)} instants, {filled} answers that are not empty")


if __name__ == "__main__":
    main(*sys.argv[1:])
