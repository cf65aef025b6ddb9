// Which bucket a unit (an npub) falls into: the server's functions again, so that both agree.
// Golden vectors of both: tests/data/js31.json and tests/data/murmur3.json.

export const JS31_BUCKETS = 100;
export const MURMUR3_BUCKETS = 10000;

const encoder = new TextEncoder(); // half of a surrogate pair becomes U+FFFD

/** 0 to 99: the strategy's `hashUser(npub || 'anonymous') % 100`. */
export function js31Bucket(text) {
  const unit = text || 'anonymous';
  let hash = 0;
  for (let i = 0; i < unit.length; i++) hash = (hash * 31 + unit.charCodeAt(i)) | 0;
  return Math.abs(hash) % JS31_BUCKETS;
}

/**
 * A function of the unit, 0 to 9999: MurmurHash3 (x86, 32 bits, seed 0) of `<salt>:<unit>` in UTF-8, modulo 10,000.
 * What the salt contributes is worked out once.
 */
export function murmur3Bucket(salt) {
  const prefix = encoder.encode(`${salt}:`);
  let start = 0;
  const whole = prefix.length & ~3;
  for (let i = 0; i < whole; i += 4) {
    start = mix(start, prefix[i] | (prefix[i + 1] << 8) | (prefix[i + 2] << 16) | (prefix[i + 3] << 24));
  }
  let rest = 0;
  for (let i = whole; i < prefix.length; i++) rest |= prefix[i] << (8 * (i - whole));
  const filled = 8 * (prefix.length - whole);

  return (unit) => {
    let hash = start;
    let word = rest;
    let shift = filled;
    for (let i = 0; i < unit.length; i++) {
      const code = unit.charCodeAt(i);
      if (code > 127) return ofBytes(encoder.encode(`${salt}:${unit}`));
      word |= code << shift;
      shift += 8;
      if (shift === 32) {
        hash = mix(hash, word);
        word = shift = 0;
      }
    }
    return finish(hash ^ scramble(word), prefix.length + unit.length);
  };
}

function ofBytes(bytes) {
  let hash = 0;
  const whole = bytes.length & ~3;
  for (let i = 0; i < whole; i += 4) {
    hash = mix(hash, bytes[i] | (bytes[i + 1] << 8) | (bytes[i + 2] << 16) | (bytes[i + 3] << 24));
  }
  let word = 0;
  for (let i = whole; i < bytes.length; i++) word |= bytes[i] << (8 * (i - whole));
  return finish(hash ^ scramble(word), bytes.length);
}

function scramble(word) {
  const k = Math.imul(word, 0xcc9e2d51);
  return Math.imul((k << 15) | (k >>> 17), 0x1b873593);
}

function mix(hash, word) {
  const h = hash ^ scramble(word);
  return (Math.imul((h << 13) | (h >>> 19), 5) + 0xe6546b64) | 0;
}

function finish(hash, length) {
  let h = hash ^ length;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return ((h ^ (h >>> 16)) >>> 0) % MURMUR3_BUCKETS;
}
