// Writes js31.json and murmur3.json, the golden vectors of flags/domain/bucketing.py: `node tests/data/make_vectors.js`.
// They are committed; the tests do not need Node. Never change a vector that is there: users would move.
'use strict';
const fs = require('fs');
const path = require('path');

// As in the strategy document, services/featureFlag.service.js.
function hashUser(npub) {
  let hash = 0;
  for (let i = 0; i < npub.length; i++) {
    const char = npub.charCodeAt(i);
    hash = ((hash << 5) - hash) + char;
    hash = hash & hash; // Convert to 32-bit integer
  }
  return Math.abs(hash);
}

// MurmurHash3_x86_32, seed 0, written from Austin Appleby's public domain code.
function murmur3(bytes) {
  const scramble = (k) => {
    const k1 = Math.imul(k, 0xcc9e2d51);
    return Math.imul((k1 << 15) | (k1 >>> 17), 0x1b873593);
  };
  let h = 0;
  const whole = bytes.length & ~3;
  for (let i = 0; i < whole; i += 4) {
    h ^= scramble(bytes[i] | (bytes[i + 1] << 8) | (bytes[i + 2] << 16) | (bytes[i + 3] << 24));
    h = (Math.imul((h << 13) | (h >>> 19), 5) + 0xe6546b64) | 0;
  }
  let tail = 0;
  for (let i = bytes.length - 1; i >= whole; i--) tail = (tail << 8) | bytes[i];
  h ^= scramble(tail);
  h ^= bytes.length;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

let state = 20250811;
function random(below) { // mulberry32: the same vectors on every run
  state = (state + 0x6d2b79f5) | 0;
  let t = Math.imul(state ^ (state >>> 15), 1 | state);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) % below;
}

function text(length, unit) {
  let made = '';
  for (let i = 0; i < length; i++) made += String.fromCharCode(unit());
  return made;
}

const BECH32 = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l';
const units = [
  '', 'anonymous', 'a', '0', ' ', '\u0000', '\u007f', '\u0080', '\u00ff', '\u0100', '\uffff',
  '12345', 'user-1', 'user-42', 'user-123', '507f1f77bcf86cd799439011', '3b241101-e2bb-4255-8caf-4136c566a962',
  'alice@example.com', 'नमस्ते', '😀user', 'Zoë', 'npub1admin...', '\ud800', '\udc00', '\udc00\ud800', 'a\ud83d', '\ude00b',
  'polygenelubricants', // hashes to -2147483648, whose Math.abs is no int32
  'x'.repeat(699), 'x'.repeat(700), 'x'.repeat(701), 'é'.repeat(1500), '😀'.repeat(701),
];
for (let i = 0; i < 150; i++) units.push('npub1' + text(58, () => BECH32.charCodeAt(random(32))));
for (let i = 0; i < 60; i++) units.push(text(random(40), () => random(128)));
for (let i = 0; i < 40; i++) units.push(text(random(40), () => random(256)));
for (let i = 0; i < 80; i++) units.push(text(random(40), () => random(65536)));
for (let i = 0; i < 20; i++) units.push(text(600 + random(900), () => random(65536)));

const js31 = units.map((unit) => [unit, hashUser(unit || 'anonymous') % 100]);
const encoder = new TextEncoder();
const salts = ['', 's', '9f86d081884c7d65', 'ключ'];
const salted = units.map((unit, i) => {
  const salt = salts[i % salts.length];
  return [unit, salt, murmur3(encoder.encode(`${salt}:${unit}`)) % 10000];
});

function write(name, rows) {
  const lines = rows.map((row) => JSON.stringify(row).replace(/[\u0080-\uffff]/g, // ASCII only: no editor changes it
    (c) => '\\u' + c.charCodeAt(0).toString(16).padStart(4, '0')));
  fs.writeFileSync(path.join(__dirname, name), `[\n${lines.join(',\n')}\n]\n`);
}
write('js31.json', js31);
write('murmur3.json', salted);
