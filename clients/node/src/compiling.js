// One flag of the snapshot document, compiled to a function that decides.
//
// The order: disabled, prerequisites (prerequisites.js), deny-list, allow-list, rules, percentage. An answer is one of
// the few outcomes of the flag, made once per snapshot; it counts how often it was given.
import { JS31_BUCKETS, MURMUR3_BUCKETS, js31Bucket, murmur3Bucket } from './bucketing.js';
import { compileAll } from './conditions.js';

export const NO_KEY = 'no-key';

/**
 * Throws for what is no flag of the document. `answer` decides as if all prerequisites were met; `wanted` are these,
 * each with the variants that meet it and the answer when it is not met; a disabled flag asks for none.
 */
export class Flag {
  constructor(document, segments) {
    const { key, type, bucketing, variants, salt, percentage } = document;
    this.key = key;
    this.kind = type;
    this.parameters = frozen(document.parameters ?? {});
    this.outcomes = [];
    this._document = document;
    this._variants = frozen(variants);
    this._salted = bucketing === 'murmur3';
    this._buckets = this._salted ? MURMUR3_BUCKETS : JS31_BUCKETS;
    this.bucket = this._salted ? murmur3Bucket(salt) : js31Bucket;
    this._percentage = percentage;
    this.answer = this._compile(segments);
    this.wanted = (document.enabled ? document.prerequisites : []).map(({ flag, variants: met }) => ({
      flag,
      variants: new Set(met),
      unmet: this._offFor('TARGETING_MATCH', 'prerequisite', flag),
    }));
  }

  _outcome(variant, reason, rule, percentage, { name = '', bucketed = false } = {}) {
    if (!Object.hasOwn(this._variants, variant)) throw new TypeError(`flag ${this.key} has no variant ${variant}`);
    const value = this._variants[variant];
    const hasValue = rule !== NO_KEY && rule !== 'disabled';
    const on = this.kind === 'boolean' ? value === true : variant !== this._document.off;
    const made = { kind: this.kind, variant, value, reason, rule, percentage, name, bucketed, hasValue, on, count: 0 };
    this.outcomes.push(made);
    return made;
  }

  _offFor(reason, rule, name = '') {
    return this._outcome(this._document.off, reason, rule, this._percentage, { name });
  }

  _compile(segments) {
    const { enabled, serve, rules } = this._document;
    if (!enabled) {
      const disabled = this._offFor('DISABLED', 'disabled');
      return () => disabled;
    }
    const deny = new Set(this._document.deny);
    const allow = new Set(this._document.allow);
    const denied = this._offFor('TARGETING_MATCH', 'deny-list');
    const listed = this._serve(serve, 'TARGETING_MATCH', 'allow-list', this._percentage);
    const steps = rules.map((rule) => [compileAll(rule.when, segments), this._rule(rule)]);
    const otherwise = this._rest();
    return (unit, attributes) => {
      if (deny.has(unit)) return denied;
      if (allow.has(unit)) return listed(unit);
      for (let i = 0; i < steps.length; i++) if (steps[i][0](unit, attributes)) return steps[i][1](unit);
      return otherwise(unit);
    };
  }

  /** The answer when a prerequisite is not met: it is missing, has no value, or another variant. */
  unmet(known) {
    for (const { flag, variants, unmet } of this.wanted) {
      const answer = known.get(flag);
      if (answer === undefined || !answer.hasValue || !variants.has(answer.variant)) return unmet;
    }
    return undefined;
  }

  /** Whom no list and no rule has decided about. */
  _rest() {
    const share = this._share(this._percentage);
    const reason = share === 0 || share === this._buckets ? 'STATIC' : 'SPLIT';
    return this._step(this._percentage, this._document.serve, reason, 'percentage');
  }

  _rule({ name, percentage, serve }) {
    const reason = this._share(percentage) >= this._buckets ? 'TARGETING_MATCH' : 'SPLIT';
    return this._step(percentage, serve, reason, 'rule', name);
  }

  /** Those inside the percentage are served, the others get the off variant. */
  _step(percentage, serve, reason, rule, name = '') {
    const share = this._share(percentage);
    const bucketed = share > 0 && share < this._buckets;
    if (share <= 0) {
      const off = this._outcome(this._document.off, reason, rule, percentage, { name });
      return () => off;
    }
    const served = this._serve(serve, reason, rule, percentage, { name, bucketed });
    if (!bucketed) return served;
    const off = this._outcome(this._document.off, reason, rule, percentage, { name, bucketed });
    const { bucket } = this;
    if (!this._salted) return (unit) => (js31Bucket(unit) < share ? served(unit) : off);
    const nobody = this._offFor('SPLIT', NO_KEY, name);
    return (unit) => (unit === '' ? nobody : bucket(unit) < share ? served(unit) : off);
  }

  /** One variant, or a split of them by weights, which has a hash of its own. */
  _serve(serve, reason, rule, percentage, told = {}) {
    if (typeof serve === 'string') {
      const only = this._outcome(serve, reason, rule, percentage, told);
      return () => only;
    }
    const why = reason === 'STATIC' ? 'SPLIT' : reason;
    const outcomes = serve.map(([variant]) => this._outcome(variant, why, rule, percentage, told));
    const nobody = this._offFor('SPLIT', NO_KEY, told.name);
    const bucket = murmur3Bucket(`${this._document.salt || this.key}:variant`);
    let end = 0;
    const bounds = serve.map(([, weight]) => (end += Math.round(weight * 100)));
    bounds[bounds.length - 1] = MURMUR3_BUCKETS; // the last part has all that is left
    return (unit) => {
      if (unit === '') return nobody;
      const at = bucket(unit);
      return outcomes[bounds.findIndex((bound) => at < bound)];
    };
  }

  /** How many of the first buckets are inside; percentages have steps of 0.01. */
  _share(percentage) {
    if (!Number.isFinite(percentage)) throw new TypeError(`flag ${this.key} has no percentage`);
    return Math.ceil((Math.round(percentage * 100) * this._buckets) / 10000);
  }
}

/** The same value, which nobody can change: callers share it. */
function frozen(value) {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  Object.values(value).forEach(frozen);
  return Object.freeze(value);
}
