// The client: an evaluator that follows the server. Nothing of it keeps the process alive.
import { randomBytes } from 'node:crypto';
import os from 'node:os';
import { DiskCopy, defaultPath } from './disk.js';
import { Evaluator } from './evaluation.js';
import { Follower } from './following.js';
import { Routine, monotonic } from './pace.js';
import { Reporter } from './reporting.js';
import { Listener } from './streaming.js';
import { Http, address } from './transport.js';

const SOFTWARE = 'nctool-flags-node/1.0';
const LONGEST_INSTANCE = 100; // characters
const SILENT = { info() {}, warn() {}, error() {} };

/**
 * Feature flags of the environment that `token` belongs to (scope `snapshot`). The options are in index.d.ts.
 * Throws TypeError for settings that cannot be; whatever the server does throws nothing.
 */
export class Flags extends Evaluator {
  constructor(url, token, options = {}) {
    super();
    const { pollSeconds = 30, reportSeconds = 30, timeout = 10, stream = true, keepCopy = true } = options;
    if (!(pollSeconds > 0 && timeout > 0 && reportSeconds >= 0)) {
      throw new TypeError('pollSeconds and timeout are more than 0, reportSeconds is 0 or more');
    }
    if (typeof stream === 'string') address(stream);
    const log = (this._log = options.log === false ? SILENT : (options.log ?? console));
    const http = new Http(url, token, { software: SOFTWARE, timeout, agentOptions: options.tls });
    const copy = new DiskCopy(keepCopy ? (options.copy ?? defaultPath(url, token)) : undefined, log);
    this._listeners = [];
    this._waiting = [];
    this._closed = undefined;
    this._reporter = new Reporter(http, () => (options.reportUnits === false ? [] : this._takeFresh()), {
      interval: reportSeconds || 1,
      instance: instanceName(options.instance),
      software: SOFTWARE,
      log,
    });
    this._follower = new Follower(http, copy, (snapshot) => this._swapped(snapshot), {
      interval: pollSeconds,
      environment: options.environment,
      log,
    });
    this._polling = new Routine(this._follower.pace, () => this._poll(), log);
    this._reporting = reportSeconds ? new Routine(this._reporter.pace, () => this._reporter.send(), log) : undefined;
    this._listener = stream && new Listener(http, stream === true ? '' : stream, (...news) => this._news(...news), log);
    this._streaming = this._listener && new Routine(this._listener.pace, () => this._listener.listen(), log);
    this._follower.readCopy();
    for (const routine of this._routines()) routine.wake();
    this._atExit = () => this.close();
    process.once('beforeExit', this._atExit);
  }

  /** Resolves to whether there are flags to answer from, when the server has answered or after `seconds`. */
  ready(seconds = 2) {
    if (this._follower.confirmedAt !== undefined) return Promise.resolve(true);
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        resolve(this._snapshot !== undefined);
      };
      const timer = setTimeout(done, seconds * 1000); // it alone keeps the process alive: somebody waits
      this._waiting.push(done);
    });
  }

  /** Call `listener` with the keys that changed after each new snapshot. */
  onChange(listener) {
    this._listeners.push(listener);
  }

  status() {
    const { confirmedAt, source, problem } = this._follower;
    return {
      environment: this.environment,
      version: this.version,
      source,
      age: confirmedAt === undefined ? undefined : monotonic() - confirmedAt,
      problem,
      streaming: Boolean(this._listener && this._listener.connected),
      acknowledged: this._reporter.acknowledged,
      dropped: this._reporter.dropped,
      instance: this._reporter.instance,
    };
  }

  /** Report what is left, for at most `seconds`, and stop. Evaluation goes on with the last flags. */
  close(seconds = 2) {
    this._closed ??= this._close(seconds);
    return this._closed;
  }

  async _close(seconds) {
    process.off('beforeExit', this._atExit);
    if (this._listener) this._listener.close();
    const stopped = Promise.all(this._routines().map((routine) => routine.stop()));
    const told = this._reporting ? this._reporting.stop().then(() => this._reporter.finish()) : undefined;
    let timer;
    const enough = new Promise((resolve) => {
      timer = setTimeout(resolve, seconds * 1000);
    });
    await Promise.race([Promise.all([stopped, told]), enough]);
    clearTimeout(timer);
  }

  _routines() {
    return [this._polling, this._reporting, this._streaming].filter(Boolean);
  }

  async _poll() {
    try {
      await this._follower.poll();
    } finally {
      for (const done of this._waiting.splice(0)) done();
    }
  }

  _news(version, etag) {
    this._follower.expect(version, etag);
    this._polling.wake();
  }

  _swapped(snapshot) {
    const before = this._snapshot;
    this._hold(snapshot);
    if (this._reporting) {
      this._reporter.swapped(snapshot);
      this._reporting.wake();
    }
    if (!this._listeners.length) return;
    const changed = snapshot.differences(before);
    for (const listener of this._listeners) {
      try {
        listener(changed);
      } catch (error) { // it is the caller's code
        this._log.error(`a listener for changed flags failed: ${error?.stack}`);
      }
    }
  }
}

/** A name of its own for each process, so that the server tells them apart. */
function instanceName(named) {
  const tail = `-${process.pid}-${randomBytes(4).toString('hex')}`;
  return (named || os.hostname()).slice(0, LONGEST_INSTANCE - tail.length) + tail;
}
