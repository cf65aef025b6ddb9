// Records what Node's OpenTelemetry exporters send, byte for byte: `npm install`, then `node record.mjs`.
// With `node record.mjs https://rollout.example.org/v1/metrics TOKEN` it also sends it there and shows each answer.

import { createServer } from "node:http";
import { writeFileSync } from "node:fs";
import { OTLPMetricExporter as JsonExporter } from "@opentelemetry/exporter-metrics-otlp-http";
import { OTLPMetricExporter as ProtobufExporter } from "@opentelemetry/exporter-metrics-otlp-proto";
import { resourceFromAttributes } from "@opentelemetry/resources";
import {
  AggregationTemporality, AggregationType, MeterProvider, PeriodicExportingMetricReader,
} from "@opentelemetry/sdk-metrics";

const [target, token] = process.argv.slice(2);
let file = "";

const server = createServer((request, response) => {
  const parts = [];
  request.on("data", (part) => parts.push(part));
  request.on("end", async () => {
    const body = Buffer.concat(parts);
    if (request.headers["content-encoding"] !== "gzip") throw new Error("not packed");
    writeFileSync(new URL(file, import.meta.url), body);
    if (target) {
      const headers = { "Content-Type": request.headers["content-type"], "Content-Encoding": "gzip" };
      const answer = await fetch(target, { method: "POST", body, headers: { ...headers, Authorization: `Bearer ${token}` } });
      console.log(file, answer.status, await answer.text());
    }
    response.writeHead(200, { "Content-Type": request.headers["content-type"] }).end(request.headers["content-type"].includes("json") ? "{}" : "");
  });
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const url = `http://127.0.0.1:${server.address().port}/v1/metrics`;

/** One process of nctool, with its own counts. */
function started(Exporter, temporalityPreference, instance) {
  const exporter = new Exporter({ url, compression: "gzip", temporalityPreference });
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 });
  const provider = new MeterProvider({
    resource: resourceFromAttributes({ "service.name": "nctool", "service.instance.id": instance, "host.name": "vm" }),
    readers: [reader],
    views: [{ instrumentName: "melt.seconds", aggregation: { type: AggregationType.EXPONENTIAL_HISTOGRAM } }],
  });
  const meter = provider.getMeter("nctool");
  const melts = meter.createCounter("melt.operations");
  const open = meter.createUpDownCounter("melt.open");
  const took = meter.createHistogram("melt.took", { unit: "ms" });
  const seconds = meter.createHistogram("melt.seconds", { unit: "s" });
  meter.createObservableGauge("pool.used", { unit: "%" }).addCallback((told) => told.observe(62.5));
  return {
    plays(on, off) {
      melts.add(on, { flag: "atomicMeltOperations", variant: "on" });
      melts.add(off, { flag: "atomicMeltOperations", variant: "off" });
      open.add(2);
      for (let number = 0; number < on; number++) {
        took.record(number % 10 === 9 ? 4000 : 250, { variant: "on" });
        seconds.record(0.25);
      }
    },
    async sends(name) {
      file = name;
      await provider.forceFlush();
    },
  };
}

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

for (const [kind, Exporter] of [["pb", ProtobufExporter], ["json", JsonExporter]]) {
  for (const [temporality, preference] of [["cumulative", AggregationTemporality.CUMULATIVE], ["delta", AggregationTemporality.DELTA]]) {
    const instance = `${temporality}-${kind}`;
    const first = started(Exporter, preference, instance);
    first.plays(40, 10);
    await pause(50);
    await first.sends(`${temporality}-1.${kind}.gz`);
    await pause(1100);
    first.plays(60, 20);
    await first.sends(`${temporality}-2.${kind}.gz`);
    await pause(1100);
    const again = started(Exporter, preference, instance); // restarted: it counts from zero
    again.plays(30, 5);
    await pause(50);
    await again.sends(`${temporality}-3-restarted.${kind}.gz`);
    await pause(1100);
  }
}
server.close();
