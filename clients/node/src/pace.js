// When to try next: one schedule for polling, reporting and listening. Times are seconds of a monotonic clock.

export const JITTER = 0.2; // ± 20 %, so that a thousand instances do not come at once
const FIRST_RETRY = 1; // seconds
const SLOW = 300; // seconds between tries of what was refused: a person must change something first
const LONGEST_WAIT = 3600; // seconds; a Retry-After beyond it is taken for a mistake

export const monotonic = () => performance.now() / 1000;
export const jittered = (seconds) => seconds * (1 - JITTER + 2 * JITTER * Math.random());

export class Pace {
  constructor(interval) {
    this.interval = interval;
    this.due = 0;
    this.floor = 0; // before it nothing makes us try: the server has said so
    this.failures = 0;
    this.first = FIRST_RETRY; // seconds after a fault until the next try
  }

  succeeded(now) {
    this.failures = 0;
    this._at(now + jittered(this.interval));
  }

  /** Later and later, up to four times the interval, and never before the server allows. */
  failed(now, retryAfter) {
    const wait = Math.min(this.first * 2 ** Math.min(this.failures, 20), 4 * this.interval);
    this.failures += 1;
    if (retryAfter !== undefined) this.floor = now + Math.min(retryAfter, LONGEST_WAIT);
    this._at(now + jittered(wait));
  }

  /** 401 or 403: go on, slowly. */
  refused(now) {
    this.failures += 1;
    this._at(now + jittered(Math.max(SLOW, this.interval)));
  }

  /** Try within so many seconds, or when it was due before that. */
  hurry(now, within = 0) {
    this._at(Math.min(this.due, now + within * Math.random()));
  }

  _at(moment) {
    this.due = Math.max(moment, this.floor);
  }
}

/** Does one thing again and again, when its pace says so, never twice at once. Its timer keeps no process alive. */
export class Routine {
  constructor(pace, act, log) {
    this._pace = pace;
    this._act = act;
    this._log = log;
    this._running = undefined;
    this._stopped = false;
  }

  /** The pace has changed: look at it again. */
  wake() {
    if (this._stopped || this._running) return;
    clearTimeout(this._timer);
    const wait = this._pace.due - monotonic();
    if (wait > 0) {
      this._timer = setTimeout(() => this.wake(), Math.min(wait, 3600) * 1000);
      this._timer.unref();
    } else {
      this._running = this._do();
    }
  }

  /** Ends when what it is doing has ended. */
  async stop() {
    this._stopped = true;
    clearTimeout(this._timer);
    await this._running;
  }

  async _do() {
    try {
      await this._act();
    } catch (error) {
      this._log.error(`flags: a fault in this library, trying again later: ${error?.stack}`);
      this._pace.failed(monotonic());
    }
    this._running = undefined;
    this.wake();
  }
}
