// The picture of one environment that evaluation reads: swapped as a whole, compiled flag by flag. A flag is compiled
// when it is first asked for; those that were asked for before are ready when the snapshot takes its place.
import { Flag } from './compiling.js';
import { compileAll } from './conditions.js';
import { deciderOf } from './prerequisites.js';
import { read, soundly } from './reading.js';

/** All flags of one environment at one version. `deciders` is a Map of those that are compiled. */
export class Snapshot {
  constructor({ head, flags }) {
    this.environment = head.environment;
    this.version = head.version;
    this.changedAt = head.changedAt ?? '';
    this.mark = JSON.stringify([this.environment, this.version, this.changedAt]); // a restored database counts again
    this.texts = flags;
    this.deciders = new Map();
    this.flags = new Map();
    this._segments = new Map();
    for (const [name, when] of Object.entries(head.segments)) this._segments.set(name, compileAll(when, new Map()));
    this._toldSegments = JSON.stringify(head.segments);
  }

  /**
   * Throws BadDocument for what is damaged or of another format; nothing of it is used then. What did not change is
   * taken from the `previous` one.
   */
  static read(text, previous) {
    return soundly(() => {
      const made = new Snapshot(read(text, previous?.texts));
      if (previous) made._takeOver(previous);
      return made;
    });
  }

  /** The compiled flag; undefined when there is none. */
  find(key) {
    let flag = this.flags.get(key);
    if (flag === undefined && this.texts.has(key)) {
      flag = new Flag(JSON.parse(this.texts.get(key)), this._segments);
      this.flags.set(key, flag);
    }
    return flag;
  }

  /** How the flag decides; undefined when there is no such flag. */
  decider(key) {
    const flag = this.find(key);
    if (flag === undefined) return undefined;
    if (!this.deciders.has(key)) this.deciders.set(key, deciderOf(flag, (other) => this.find(other)));
    return this.deciders.get(key);
  }

  /** The keys of the flags that are new, gone or not as they were. */
  differences(older) {
    const before = older?.texts ?? new Map();
    const keys = new Set([...this.texts.keys(), ...before.keys()]);
    return [...keys].filter((key) => this.texts.get(key) !== before.get(key)).sort();
  }

  /** What was answered since the last call: rows of flag, variant, reason and count. */
  *usage() {
    for (const [flag, { outcomes }] of this.flags) {
      for (const outcome of outcomes) {
        if (outcome.count === 0) continue;
        yield { flag, variant: outcome.variant, reason: outcome.reason, count: outcome.count };
        outcome.count = 0;
      }
    }
  }

  _takeOver(previous) {
    if (this._toldSegments === previous._toldSegments) {
      for (const [key, flag] of previous.flags) {
        if (this.texts.get(key) === previous.texts.get(key)) this.flags.set(key, flag);
      }
    }
    for (const key of previous.deciders.keys()) this.decider(key);
  }
}
