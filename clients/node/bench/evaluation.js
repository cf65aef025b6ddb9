// How long an evaluation takes, beside a bare look-up in a Map in the same loop: `node bench/evaluation.js`.
// Read the ratios; the times are this machine's.
import { Evaluator } from '../src/index.js';

const ROUNDS = 400;
const units = Array.from({ length: 1000 }, (_, number) => `npub1${number.toString(16).padStart(58, '0')}`);
const flag = (key, told) => ({
  key, type: 'boolean', enabled: true, bucketing: 'js31', salt: '9f86d081884c7d65', percentage: 25,
  variants: { on: true, off: false }, serve: 'on', off: 'off', allow: [], deny: [], prerequisites: [], rules: [],
  parameters: {}, ...told,
});
const rules = [
  { attribute: 'country', op: 'in', values: ['DE', 'FR'] },
  { attribute: 'version', op: 'semver_ge', values: ['3.0.0'] },
  { attribute: 'balance', op: 'number_gt', values: [1000] },
].map((when, number) => ({ name: `rule ${number}`, when: [when], percentage: 50, serve: 'on' }));
const flags = new Evaluator({
  format: 1, environment: 'production', version: 1, changedAt: '', segments: {},
  flags: [
    flag('js31', { allow: units.slice(0, 3) }),
    flag('murmur3', { bucketing: 'murmur3' }),
    flag('everybody', { percentage: 100 }),
    flag('rules', { bucketing: 'murmur3', rules }),
    flag('split', { type: 'string', percentage: 100, variants: { a: 'x', b: 'y' }, serve: [['a', 50], ['b', 50]], off: 'a' }),
    ...Array.from({ length: 1000 }, (_, number) => flag(`other${number}`)),
  ],
});
const known = new Map(units.map((unit) => [unit, true]));
const context = { country: 'AT', version: '2.9.1', balance: 5 };
let kept = 0; // what is thrown away, an optimiser need not work out

function nanoseconds(ask) {
  const taken = [];
  for (let round = 0; round < ROUNDS; round++) {
    const start = process.hrtime.bigint();
    for (const unit of units) if (ask(unit)) kept++;
    taken.push(Number(process.hrtime.bigint() - start) / units.length);
  }
  return taken.sort((one, other) => one - other)[ROUNDS / 2];
}

const bare = nanoseconds((unit) => known.get(unit));
const asked = {
  'isOn, js31 25 %': (unit) => flags.isOn('js31', unit),
  'isOn, murmur3 25 %': (unit) => flags.isOn('murmur3', unit),
  'isOn, 100 %': (unit) => flags.isOn('everybody', unit),
  'isOn, three rules': (unit) => flags.isOn('rules', { targetingKey: unit, ...context }),
  'value, split in two': (unit) => flags.value('split', unit, 'a'),
  'why, js31 25 %': (unit) => flags.why('js31', unit, false),
};
console.log(`${'bare look-up in a Map'.padEnd(28)}${bare.toFixed(0).padStart(7)} ns`);
for (const [name, ask] of Object.entries(asked)) {
  const took = nanoseconds(ask);
  const ratio = (took / bare).toFixed(1).padStart(8);
  console.log(`${name.padEnd(28)}${took.toFixed(0).padStart(7)} ns${ratio} times the look-up`);
}
if (kept === 0) process.exitCode = 1;
