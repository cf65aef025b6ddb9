// The conditions of a targeting rule, each compiled once to a function of the unit and its attributes.
//
// Comparisons are strict by JSON type: true is not 1, "1" is not 1. An attribute that is absent or of the wrong type
// never meets a condition.

const UNIT_ATTRIBUTE = 'targetingKey';
const NUMBER = '(?:0|[1-9][0-9]*)';
const IDENTIFIER = `(?:${NUMBER}|[0-9]*[A-Za-z-][0-9A-Za-z-]*)`;
const SEMVER = new RegExp(
  `^(${NUMBER})\\.(${NUMBER})\\.(${NUMBER})(?:-(${IDENTIFIER}(?:\\.${IDENTIFIER})*))?` +
    '(?:\\+[0-9A-Za-z-]+(?:\\.[0-9A-Za-z-]+)*)?$',
);
const TIME = new RegExp(
  '^([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:\\.([0-9]{1,9}))?)?' +
    '(?:Z|([+-])([0-9]{2}):([0-9]{2}))$',
);
const LONGEST_TIME = 40; // characters
const LONGEST_VERSION = 200;
const DAY = 24 * 60; // minutes
const never = () => false;

/** All of them must hold; none at all always holds. `segments` is a Map of compiled segments by name. */
export function compileAll(conditions, segments) {
  const compiled = conditions.map((condition) => compile(condition, segments));
  if (compiled.length === 1) return compiled[0];
  return (unit, attributes) => {
    for (let i = 0; i < compiled.length; i++) if (!compiled[i](unit, attributes)) return false;
    return true;
  };
}

function compile(condition, segments) {
  if ('segment' in condition) return segments.get(condition.segment) ?? never;
  if ('not_segment' in condition) {
    const within = segments.get(condition.not_segment);
    return within === undefined ? never : (unit, attributes) => !within(unit, attributes);
  }
  const { attribute, op, values } = condition;
  const test = testOf(op, values);
  if (attribute === UNIT_ATTRIBUTE) return (unit) => unit !== '' && test(unit);
  return (unit, attributes) => test(attributes[attribute]);
}

const COMPARISONS = {
  eq: (order) => order === 0,
  lt: (order) => order < 0,
  le: (order) => order <= 0,
  gt: (order) => order > 0,
  ge: (order) => order >= 0,
};
const difference = (one, other) => (one < other ? -1 : one > other ? 1 : 0);

/** The test of an attribute's value. An operation that a newer server may know is never met here. */
export function testOf(op, values) {
  if (!Array.isArray(values)) throw new TypeError('a condition without values');
  if (op === 'equals' || op === 'in') return isIn(values);
  if (op === 'not_in') return isNotIn(values);
  if (op === 'prefix') return (value) => typeof value === 'string' && values.some((start) => value.startsWith(start));
  if (op === 'before') return compared(moment, difference, COMPARISONS.lt, values[0]);
  if (op === 'after') return compared(moment, difference, COMPARISONS.gt, values[0]);
  const [family, comparison] = op.split('_', 2);
  const holds = Object.hasOwn(COMPARISONS, comparison) ? COMPARISONS[comparison] : undefined;
  if (holds && family === 'number') return compared(number, difference, holds, values[0]);
  if (holds && family === 'semver') return compared(semver, precedence, holds, values[0]);
  return never;
}

function compared(read, order, holds, value) {
  const bound = read(value);
  if (bound === undefined) throw new TypeError('a condition compares with nothing');
  return (attribute) => {
    const found = read(attribute);
    return found !== undefined && holds(order(found, bound));
  };
}

function isIn(values) {
  const listed = new Set(values); // its equality is strict by type
  return (value) => listed.has(value) && isScalar(value);
}

/** Only a value of a type that the list has can be told apart from the list. */
function isNotIn(values) {
  const listed = new Set(values);
  const types = new Set(values.map((value) => typeof value));
  return (value) => types.has(typeof value) && isScalar(value) && !listed.has(value);
}

const isScalar = (value) => typeof value === 'string' || typeof value === 'boolean' || Number.isFinite(value);

const number = (value) => (Number.isFinite(value) ? value : undefined);

/** A function of a text that keeps what it found: services send the same few texts over and over. */
function kept(longest, read) {
  const known = new Map();
  return (text) => {
    if (text.length > longest) return undefined;
    if (known.has(text)) return known.get(text);
    if (known.size >= 4096) known.clear();
    const found = read(text);
    known.set(text, found);
    return found;
  };
}

const readSemver = kept(LONGEST_VERSION, (text) => {
  const found = SEMVER.exec(text);
  if (found === null) return undefined;
  const early = found[4] === undefined ? undefined : found[4].split('.');
  return { core: found.slice(1, 4), early };
});

/** A version as Semantic Versioning 2.0 reads it, without its build metadata; undefined for what is none. */
export const semver = (value) => (typeof value === 'string' ? readSemver(value) : undefined);

/** Negative, 0 or positive, as one version comes before the other. */
export function precedence(one, other) {
  for (let i = 0; i < 3; i++) {
    const order = numerals(one.core[i], other.core[i]);
    if (order !== 0) return order;
  }
  if (one.early === undefined || other.early === undefined) {
    return (one.early === undefined ? 1 : 0) - (other.early === undefined ? 1 : 0);
  }
  for (let i = 0; i < Math.min(one.early.length, other.early.length); i++) {
    const order = identifiers(one.early[i], other.early[i]);
    if (order !== 0) return order;
  }
  return one.early.length - other.early.length;
}

function identifiers(one, other) {
  const first = isNumeral(one);
  if (first !== isNumeral(other)) return first ? -1 : 1;
  return first ? numerals(one, other) : difference(one, other);
}

const isNumeral = (text) => /^[0-9]+$/.test(text);
const numerals = (one, other) => one.length - other.length || difference(one, other); // however long they are

const readTime = kept(LONGEST_TIME, (text) => {
  const found = TIME.exec(text);
  if (found === null) return undefined;
  const [year, month, day, hour, minute, second] = found.slice(1, 7).map((part) => Number(part ?? 0));
  const offset = found[8] === undefined ? 0 : Number(found[9]) * 60 + Number(found[10]);
  if (year < 1 || hour > 23 || minute > 59 || second > 59 || offset >= DAY) return undefined;
  const at = new Date(0);
  at.setUTCFullYear(year, month - 1, day);
  if (at.getUTCMonth() !== month - 1 || at.getUTCDate() !== day) return undefined; // a day that does not exist
  const minutes = hour * 60 + minute - (found[8] === '-' ? -offset : offset);
  const milliseconds = Number(`${found[7] ?? ''}000`.slice(0, 3));
  return (at.getTime() + (minutes * 60 + second) * 1000 + milliseconds) / 1000;
});

/** Unix seconds of an ISO 8601 text with an offset, cut to milliseconds; of a Date; of a number. */
export function moment(value) {
  if (typeof value === 'string') return readTime(value);
  if (value instanceof Date) return number(value.getTime() / 1000);
  return number(value);
}
