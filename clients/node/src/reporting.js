// Tell the server what was asked, in aggregates, and which version this instance serves.
import { randomUUID } from 'node:crypto';
import { Pace, monotonic } from './pace.js';
import { Unreachable, retryAfter } from './transport.js';

const ROWS_OF_A_REPORT = 2000; // the server takes no more
const MOST_ROWS = 20000;
const LAST_REPORTS = 10;

/**
 * Counts per flag, variant and reason. A report that was not taken is offered again with the same number, so that the
 * server counts it once; what is counted meanwhile waits for the next one. `dropped` is how many rows found no room.
 */
export class Ledger {
  constructor() {
    this._rows = new Map();
    this._pending = undefined;
    this.dropped = 0;
  }

  add(rows) {
    for (const row of rows) {
      const key = JSON.stringify([row.flag, row.variant, row.reason]);
      const held = this._rows.get(key);
      if (held) held.count += row.count;
      else if (this._rows.size < MOST_ROWS) this._rows.set(key, { ...row });
      else this.dropped += 1;
    }
  }

  get isWaiting() {
    return this._pending !== undefined;
  }

  get isEmpty() {
    return !this.isWaiting && this._rows.size === 0;
  }

  /** The report to send now: the one that was not taken, or a new one of the oldest rows. */
  report(takeUnits, told) {
    if (!this._pending) {
      const keys = [...this._rows.keys()].slice(0, ROWS_OF_A_REPORT);
      const usage = keys.map((key) => this._rows.get(key));
      for (const key of keys) this._rows.delete(key);
      this._pending = { ...told, usage, units: takeUnits(), report: randomUUID() };
    }
    return this._pending;
  }

  taken() {
    this._pending = undefined;
  }

  /** The server will never take it: it found the report wrong. */
  lost() {
    this.dropped += this._pending?.usage.length ?? 0;
    this._pending = undefined;
  }
}

/** A new version is told at once, usage every `interval` seconds. */
export class Reporter {
  constructor(http, takeUnits, { interval, instance, software, log }) {
    this.pace = new Pace(interval);
    this.pace.succeeded(monotonic());
    this.acknowledged = 0;
    this.instance = instance;
    this._http = http;
    this._takeUnits = takeUnits;
    this._software = software;
    this._log = log;
    this._ledger = new Ledger();
    this._snapshot = undefined;
    this._complained = this._stopping = false;
  }

  get dropped() {
    return this._ledger.dropped;
  }

  /** The counts of the snapshot that goes are kept; the version of the new one is told at once. */
  swapped(snapshot) {
    if (this._snapshot) this._ledger.add(this._snapshot.usage());
    this._snapshot = snapshot;
    this.pace.hurry(monotonic());
  }

  /** One report. More follow at once while there is more to tell. */
  async send() {
    if (!this._snapshot) {
      this.pace.succeeded(monotonic());
      return;
    }
    this._ledger.add(this._snapshot.usage());
    const report = this._ledger.report(this._takeUnits, {
      instance: this.instance,
      software: this._software,
      version: this._snapshot.version,
      interval: Math.max(1, Math.round(this.pace.interval)),
      ...(this._stopping && { stopping: true }),
    });
    try {
      const body = JSON.stringify(report);
      this._answered(await this._http.ask('POST', '/api/v1/clients/report', { body }), report.version);
    } catch (error) {
      if (!(error instanceof Unreachable)) throw error;
      this.pace.failed(monotonic());
    }
  }

  /** The last reports, unless the server cannot be reached or asked for a pause. They say that this is the end. */
  async finish() {
    this._stopping = true;
    this.pace.failures = 0;
    for (let i = 0; i < LAST_REPORTS && this.pace.floor <= monotonic(); i++) {
      const told = !this._ledger.isWaiting;
      await this.send();
      if (this.pace.failures || (told && this._ledger.isEmpty)) return;
    }
  }

  _answered({ status, headers }, version) {
    const now = monotonic();
    if (status < 300) {
      this._ledger.taken();
      this.acknowledged = version;
      this._complained = false;
      this.pace.succeeded(now);
      if (!this._ledger.isEmpty || this._snapshot.version !== version) this.pace.hurry(now);
    } else if (status === 408 || status === 425 || status === 429 || status >= 500) {
      this.pace.failed(now, retryAfter(headers));
    } else {
      if (status !== 401 && status !== 403) this._ledger.lost();
      this._complain(status);
      this.pace.refused(now);
    }
  }

  _complain(status) {
    if (!this._complained) {
      this._log.warn(`the server does not take reports of usage (${status}); flags are evaluated all the same`);
    }
    this._complained = true;
  }
}
