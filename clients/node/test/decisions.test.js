// The golden vectors that the server and the Python client are tested against too.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { js31Bucket, murmur3Bucket } from '../src/bucketing.js';
import { BadDocument, Evaluator } from '../src/index.js';
import { read } from '../src/reading.js';
import { Snapshot } from '../src/snapshot.js';
import { document, flag } from './server.js';

const golden = (name) => JSON.parse(readFileSync(new URL(`../../../tests/data/${name}`, import.meta.url), 'utf8'));

test('js31 puts every unit where the strategy does', () => {
  const wrong = golden('js31.json').filter(([unit, bucket]) => js31Bucket(unit) !== bucket);
  assert.deepEqual(wrong, []);
});

test('murmur3 puts every unit where the server does', () => {
  const wrong = golden('murmur3.json').filter(([unit, salt, bucket]) => murmur3Bucket(salt)(unit) !== bucket);
  assert.deepEqual(wrong, []);
});

test('decisions are those of the golden vectors', () => {
  const { snapshot, cases } = golden('decisions.json');
  const flags = new Evaluator(snapshot);
  const absent = Symbol('absent');
  for (const { flag: key, context, value = absent, variant, reason, rule } of cases) {
    const decision = flags.why(key, context, absent);
    const mismatch = decision.errorCode === 'TYPE_MISMATCH'; // a symbol is the default of no flag
    const found = mismatch ? flags.why(key, context) : decision;
    assert.deepEqual(
      { value: found.value, variant: found.variant, reason: found.reason, rule: found.rule },
      { value, variant, reason, rule },
      `${key} for ${JSON.stringify(context)}`,
    );
  }
});

test('a context that is none gets the fallback', () => {
  const flags = new Evaluator(document(1, flag('melt')));
  for (const context of [5, ['npub1'], { targetingKey: 5 }, { targetingKey: ['a'] }, true, Symbol('a')]) {
    assert.equal(flags.isOn('melt', context), false);
    assert.equal(flags.isOn('melt', context, true), true);
    assert.equal(flags.value('melt', context, 'mine'), 'mine');
    assert.equal(flags.why('melt', context, 'mine').errorCode, 'INVALID_CONTEXT');
  }
});

test('a value of another type than the fallback is not given', () => {
  const colour = flag('colour', { type: 'string', variants: { a: 'red', b: 'blue' }, serve: 'a', off: 'b' });
  const flags = new Evaluator(document(1, colour));
  assert.equal(flags.value('colour', 'npub1', 'none'), 'red');
  assert.equal(flags.value('colour', 'npub1'), 'red');
  assert.equal(flags.value('colour', 'npub1', 5), 5);
  assert.equal(flags.why('colour', 'npub1', true).errorCode, 'TYPE_MISMATCH');
  assert.equal(flags.isOn('colour', 'npub1'), true); // it is not at its off variant
  assert.equal(flags.why('nosuch', 'npub1').errorCode, 'FLAG_NOT_FOUND');
});

test('nobody can change what callers share', () => {
  const settings = flag('settings', { type: 'json', variants: { a: { deep: [1] }, b: {} }, serve: 'a', off: 'b' });
  const flags = new Evaluator(document(1, settings));
  assert.throws(() => flags.value('settings', 'npub1').deep.push(2), TypeError);
  assert.deepEqual(flags.value('settings', 'npub1'), { deep: [1] });
});

test('a document for tests is checked', () => {
  assert.throws(() => new Evaluator({ format: 7 }), BadDocument);
});

test('many units take bounded memory', () => {
  const flags = new Evaluator(document(1, flag('melt', { percentage: 50 })));
  for (let i = 0; i < 45_000; i++) {
    flags.isOn('melt', `npub${i}`);
    if (i % 1000 === 0) flags._takeFresh();
  }
  flags.isOn('melt', 'x'.repeat(10_000));
  flags.isOn('melt', '\ud800');
  assert.ok(flags._known.size <= 20_000);
  assert.ok(flags._takeFresh().length <= 1_000);
});

test('what did not change is kept with its counts, and what did is compiled anew', () => {
  const keys = Array.from({ length: 50 }, (_, number) => `flag-${number}`);
  const before = document(1, ...keys.map((key) => flag(key, { percentage: 50, description: '"\\"]},{' })));
  const first = Snapshot.read(JSON.stringify(before));
  for (const key of keys) assert.ok(first.decider(key));
  const changed = { ...before, version: 2, flags: [...before.flags], later: [']', { flags: [] }] };
  changed.flags[7] = flag('new');
  changed.flags[20] = flag('flag-20', { enabled: false });

  for (const spaces of [0, 1]) {
    const text = JSON.stringify(changed, null, spaces);
    const second = Snapshot.read(text, first);
    assert.deepEqual(second.texts, read(text).flags);
    assert.deepEqual([...second.texts.values()].map((one) => JSON.parse(one)), changed.flags);
    for (let end = 0; end < text.length; end += 13) assert.throws(() => Snapshot.read(text.slice(0, end), first), BadDocument);
  }
  const second = Snapshot.read(JSON.stringify(changed), first);
  assert.deepEqual(second.differences(first), ['flag-20', 'flag-7', 'new']);
  const same = keys.filter((key) => second.find(key) !== undefined && second.find(key) === first.find(key));
  assert.deepEqual(same, keys.filter((key) => key !== 'flag-7' && key !== 'flag-20'));

  const moved = Snapshot.read(JSON.stringify({ ...changed, segments: { s: [] } }), second);
  assert.ok(keys.every((key) => key === 'flag-7' || moved.find(key) !== second.find(key))); // they may read the segment
});
