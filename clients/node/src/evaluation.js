// Evaluation: from memory, without I/O, and always with an answer.
import { NO_KEY } from './compiling.js';
import { Snapshot } from './snapshot.js';

const NOTHING = Object.freeze({});
const MOST_UNITS = 20000;
const MOST_FRESH = 1000; // what one report may hold
const LONGEST_UNIT = 200; // characters
const PRINTABLE = /^[^\p{C}\p{Zl}\p{Zp}]+$/u;

class InvalidContext extends Error {}

/**
 * Answers from one snapshot. Alone it is for tests: `new Evaluator({format: 1, ...})`, which throws BadDocument when
 * that is no snapshot. A context is an npub, an object of attributes in which `targetingKey` is the npub, or nothing.
 */
export class Evaluator {
  constructor(document) {
    this._snapshot = undefined;
    this._deciders = new Map();
    this._known = new Set(); // units met; cleared when it is full
    this._fresh = []; // those of them that the server was not told of
    if (document !== undefined) this._hold(Snapshot.read(JSON.stringify(document)));
  }

  /** Whether a flag is on, one of another type: not at its off variant. `fallback` when it gives no value. */
  isOn(key, context, fallback = false) {
    try {
      const outcome = this._decide(key, context);
      if (outcome === undefined) return fallback;
      outcome.count++;
      return outcome.hasValue ? outcome.on : fallback;
    } catch {
      return fallback;
    }
  }

  /** The value of the flag's variant; `fallback` when it has none, or none of the fallback's type. */
  value(key, context, fallback) {
    try {
      const outcome = this._decide(key, context);
      if (outcome === undefined) return fallback;
      outcome.count++;
      return outcome.hasValue && fits(outcome, fallback) ? outcome.value : fallback;
    } catch {
      return fallback;
    }
  }

  /** The value with its reason, its bucket, and the flag's parameters. */
  why(key, context, fallback) {
    try {
      return this._explain(key, context, fallback);
    } catch (error) {
      const code = error instanceof InvalidContext ? 'INVALID_CONTEXT' : 'GENERAL';
      return this._failure(key, fallback, code, String(error?.message));
    }
  }

  /** The configuration version that is answered from; 0 when there is none yet. */
  get version() {
    return this._snapshot?.version ?? 0;
  }

  get environment() {
    return this._snapshot?.environment ?? '';
  }

  get keys() {
    return [...(this._snapshot?.texts.keys() ?? [])];
  }

  _hold(snapshot) {
    this._snapshot = snapshot;
    this._deciders = snapshot.deciders;
  }

  _decide(key, context) {
    const decide = this._deciders.get(key) ?? this._snapshot?.decider(key);
    if (decide === undefined) return undefined;
    if (typeof context === 'string') {
      if (!this._known.has(context)) this._meet(context);
      return decide(context, NOTHING);
    }
    const unit = unitOf(context);
    if (!this._known.has(unit)) this._meet(unit);
    return decide(unit, context ?? NOTHING);
  }

  _meet(unit) {
    if (unit === '' || unit.length > LONGEST_UNIT || this._fresh.length >= MOST_FRESH || !PRINTABLE.test(unit)) return;
    if (this._known.size >= MOST_UNITS) this._known.clear();
    this._known.add(unit);
    this._fresh.push(unit);
  }

  _takeFresh() {
    return this._fresh.splice(0);
  }

  _explain(key, context, fallback) {
    const snapshot = this._snapshot;
    if (snapshot === undefined) {
      return this._failure(key, fallback, 'PROVIDER_NOT_READY', 'No snapshot has been read yet.');
    }
    const outcome = this._decide(key, context);
    if (outcome === undefined) {
      return this._failure(key, fallback, 'FLAG_NOT_FOUND', `There is no flag ${key} in ${snapshot.environment}.`);
    }
    outcome.count++;
    const flag = snapshot.flags.get(key);
    const { parameters } = flag;
    if (outcome.hasValue && !fits(outcome, fallback)) {
      const text = `The flag answers with a ${outcome.kind}, the default is a ${typeof fallback}.`;
      return { ...this._failure(key, fallback, 'TYPE_MISMATCH', text), parameters };
    }
    const missing = outcome.rule === NO_KEY;
    return {
      flag: key,
      value: outcome.hasValue ? outcome.value : fallback,
      environment: snapshot.environment,
      version: snapshot.version,
      parameters,
      variant: outcome.variant,
      reason: outcome.reason,
      rule: outcome.rule,
      name: outcome.name,
      percentage: outcome.percentage,
      bucket: outcome.bucketed ? flag.bucket(unitOf(context)) : undefined,
      errorCode: missing ? 'TARGETING_KEY_MISSING' : undefined,
      error: missing ? 'The flag splits its units, and no targetingKey was given.' : undefined,
    };
  }

  _failure(flag, value, errorCode, error) {
    const { environment, version } = this;
    return { flag, value, environment, version, parameters: NOTHING, variant: '', reason: 'ERROR', rule: '', name: '', errorCode, error };
  }
}

/** A missing or empty targetingKey is no unit. */
function unitOf(context) {
  if (typeof context === 'string') return context;
  if (context === undefined || context === null) return '';
  if (typeof context !== 'object' || Array.isArray(context)) {
    throw new InvalidContext(`a context is an npub or an object, not ${typeof context}`);
  }
  const unit = context.targetingKey ?? '';
  if (typeof unit !== 'string') throw new InvalidContext(`targetingKey is a text, not ${typeof unit}`);
  return unit;
}

/** Whether code that expects the fallback's type can use the value. Any value fits where there is no fallback. */
function fits({ kind }, fallback) {
  if (fallback === undefined || fallback === null) return true;
  return typeof fallback === (kind === 'json' ? 'object' : kind);
}
