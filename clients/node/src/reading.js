// The snapshot document, cut into the JSON texts of its flags.
//
// A change touches few of ten thousand flags. The texts that are as they were are only compared, which takes a
// hundredth of the time of parsing them, so that nothing else in the process has to wait.

export const FORMAT = 1;
const KINDS = new Set(['boolean', 'string', 'number', 'json']);

/** What came is no snapshot that this version can read; the message says why. */
export class BadDocument extends Error {
  constructor(message) {
    super(message);
    this.name = 'BadDocument';
  }
}

/** A function's result; what it throws becomes a BadDocument. */
export function soundly(make) {
  try {
    return make();
  } catch (error) {
    if (error instanceof BadDocument) throw error;
    throw new BadDocument(`a damaged snapshot (${error.name}: ${String(error.message).slice(0, 200)})`);
  }
}

/**
 * {head, flags}: everything but the flags, and a Map of their texts by key. `known` is such a Map that was read before.
 * Throws BadDocument for what is damaged or of another format.
 */
export function read(text, known = new Map()) {
  return soundly(() => {
    const cut = parts(text, known);
    const { head, flags } = cut;
    if (head?.format !== FORMAT) {
      const found = JSON.stringify(head?.format);
      throw new BadDocument(`not a snapshot of format ${FORMAT} (it says ${found}): update this library`);
    }
    if (!flags || !Number.isInteger(head.version) || typeof head.environment !== 'string') {
      throw new BadDocument('a snapshot without flags, version or environment');
    }
    return cut;
  });
}

/** One JSON object, its member `flags` as texts. What stands around them is left to JSON.parse. */
function parts(text, known) {
  let at = skip(text, 0);
  if (text[at] !== '{') return { head: JSON.parse(text) };
  at = skip(text, at + 1);
  while (text[at] === '"') {
    const end = endOf(text, at);
    const value = skip(text, skip(text, end) + 1);
    if (text.slice(at, end) === '"flags"' && text[value] === '[') {
      const { flags, after } = flagsOf(text, value + 1, known);
      return { head: JSON.parse(`${text.slice(0, value)}[]${text.slice(after)}`), flags };
    }
    at = skip(text, skip(text, endOf(text, value)) + 1);
  }
  return { head: JSON.parse(text) };
}

/** The texts of a list, from behind its bracket, and where it ends. They mostly come in the order known. */
function flagsOf(text, start, known) {
  const flags = new Map();
  const expected = [...known];
  let places;
  let place = 0;
  let at = skip(text, start);
  while (text[at] !== ']') {
    let [key, held] = expected[place] ?? [];
    if (held === undefined || text.slice(at, at + held.length) !== held) {
      held = text.slice(at, endOf(text, at));
      if (known.size) held = Buffer.from(held).toString(); // a slice would keep the whole text in memory
      key = checked(JSON.parse(held));
      places ??= new Map(expected.map(([name], number) => [name, number]));
      place = places.get(key) ?? place - 1;
    }
    flags.set(key, held);
    place += 1;
    at = skip(text, at + held.length);
    if (text[at] === ',') at = skip(text, at + 1);
    else if (text[at] !== ']') throw new SyntaxError(`a list of flags that breaks off at ${at}`);
  }
  return { flags, after: at + 1 };
}

function skip(text, start) {
  let at = start;
  while (text[at] === ' ' || text[at] === '\n' || text[at] === '\r' || text[at] === '\t') at++;
  return at;
}

/** Where the value that begins here ends; whether it is JSON, JSON.parse says. */
function endOf(text, start) {
  let depth = 0;
  for (let at = start; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === 0x22) at = endOfString(text, at);
    else if (code === 0x7b || code === 0x5b) depth++;
    else if (code === 0x7d || code === 0x5d) depth--;
    else if (code === 0x2c && depth === 0) return at; // behind a number or a word
    if (depth <= 0 && (code === 0x22 || code === 0x7d || code === 0x5d)) return depth < 0 ? at : at + 1;
  }
  return text.length;
}

/** Where its closing quote stands. */
function endOfString(text, start) {
  for (let at = text.indexOf('"', start + 1); at !== -1; at = text.indexOf('"', at + 1)) {
    let slashes = 0;
    while (text[at - 1 - slashes] === '\\') slashes++;
    if (slashes % 2 === 0) return at;
  }
  throw new SyntaxError('a text without an end');
}

/** The key of what looks like a flag; throws for anything else. The rules are looked into when it is compiled. */
function checked(flag) {
  const { key, type, bucketing, salt, enabled, percentage, variants, serve, off } = flag;
  const served = typeof serve === 'string' ? [serve] : serve.map(([variant]) => variant);
  const sound =
    typeof key === 'string' && KINDS.has(type) && (bucketing === 'js31' || bucketing === 'murmur3') &&
    typeof salt === 'string' && typeof enabled === 'boolean' && Number.isFinite(percentage) &&
    [flag.allow, flag.deny, flag.prerequisites, flag.rules].every(Array.isArray) &&
    [...served, off].every((variant) => Object.hasOwn(variants, variant));
  if (!sound) throw new TypeError(`flag ${key} is not whole`);
  return key;
}
