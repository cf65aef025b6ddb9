// The picture of one environment that evaluation reads: compiled once, swapped as a whole.
import { Flag } from './compiling.js';
import { compileAll } from './conditions.js';
import { decidersOf } from './prerequisites.js';

export const FORMAT = 1;

/** What came is no snapshot that this version can read; the message says why. */
export class BadDocument extends Error {
  constructor(message) {
    super(message);
    this.name = 'BadDocument';
  }
}

/** All flags of one environment at one version. */
export class Snapshot {
  constructor(document) {
    this.environment = document.environment;
    this.version = document.version;
    this.changedAt = document.changedAt ?? '';
    this.documents = new Map(document.flags.map((flag) => [flag.key, flag]));
    const segments = new Map();
    for (const [name, when] of Object.entries(document.segments)) segments.set(name, compileAll(when, new Map()));
    this.flags = new Map();
    for (const [key, flag] of this.documents) this.flags.set(key, new Flag(flag, segments));
    this.deciders = decidersOf(this.flags);
  }

  /** Throws BadDocument for what is damaged or of another format. Nothing of it is used then. */
  static read(text) {
    try {
      const document = JSON.parse(text);
      if (document?.format !== FORMAT) {
        const found = JSON.stringify(document?.format);
        throw new BadDocument(`not a snapshot of format ${FORMAT} (it says ${found}): update this library`);
      }
      if (!Number.isInteger(document.version) || typeof document.environment !== 'string') {
        throw new BadDocument('a snapshot without version or environment');
      }
      return new Snapshot(document);
    } catch (error) {
      if (error instanceof BadDocument) throw error;
      throw new BadDocument(`a damaged snapshot (${error.name}: ${String(error.message).slice(0, 200)})`);
    }
  }

  /** The keys of the flags that are new, gone or not as they were. */
  differences(older) {
    const before = older?.documents ?? new Map();
    const keys = new Set([...this.documents.keys(), ...before.keys()]);
    return [...keys].filter((key) => text(this.documents.get(key)) !== text(before.get(key))).sort();
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
}

const text = (value) => JSON.stringify(value);
