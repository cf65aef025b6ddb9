// The client against a server that does everything wrong: there is always an answer.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Flags } from '../src/index.js';
import { FAULTS, Server, TOKEN, document, flag, status } from './server.js';

let server;
let directory;
let made;
let told;

beforeEach(async () => {
  server = await new Server().start();
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'nctool-flags-'));
  made = [];
  told = [];
});

afterEach(async () => {
  await Promise.all(made.map((flags) => flags.close()));
  await server.stop();
  fs.rmSync(directory, { recursive: true });
});

/** A quick client, when the server has answered. */
async function client(options = {}) {
  const { wait = 2, ...rest } = options;
  const log = { info() {}, warn: (text) => told.push(text), error: (text) => told.push(text) };
  const quick = { copy: path.join(directory, 'copy.json'), pollSeconds: 0.05, reportSeconds: 0, stream: false };
  const flags = new Flags(server.url, TOKEN, { ...quick, timeout: 5, environment: 'production', log, ...rest });
  made.push(flags);
  await flags.ready(wait);
  return flags;
}

/** A client's time-out in seconds: short where the fault lasts until it gives up. */
const patience = (name) => (['silence', 'a body that drips'].includes(name) ? 0.3 : 5);

async function until(condition, seconds = 10) {
  const end = performance.now() + seconds * 1000;
  while (!condition()) {
    assert.ok(performance.now() < end, `it did not happen in time: ${condition}`);
    await sleep(10);
  }
}

describe('the last flags stay through a fault, and it recovers', () => {
  for (const [name, fault] of Object.entries(FAULTS)) {
    test(name, async () => {
      server.document = document(5, flag('melt'));
      const flags = await client({ timeout: patience(name) });
      assert.ok(flags.isOn('melt', 'user-1'));

      server.fault = fault;
      await until(() => flags.status().problem);
      assert.ok(flags.isOn('melt', 'user-1'));
      assert.equal(flags.version, 5);

      server.document = document(6, flag('melt', { enabled: false }));
      server.fault = undefined;
      await until(() => flags.version === 6);
      assert.equal(flags.isOn('melt', 'user-1'), false);
      assert.equal(flags.status().problem, '');
    });
  }
});

describe('a start into a fault answers from the copy or by default', () => {
  for (const [name, fault] of Object.entries(FAULTS)) {
    if (name === 'an older version') continue;
    test(name, async () => {
      await (await client()).close();
      const copy = path.join(directory, 'copy.json');
      await until(() => fs.existsSync(copy));
      server.fault = fault;

      const bare = await client({ copy: path.join(directory, 'other.json'), wait: 0.1, timeout: patience(name) });
      assert.equal(bare.isOn('melt', 'user-1', true), true);
      assert.equal(bare.isOn('melt', 'user-1'), false);
      assert.equal(bare.value('melt', 'user-1', 'mine'), 'mine');
      assert.equal(bare.why('melt').errorCode, 'PROVIDER_NOT_READY');

      const copied = await client({ wait: 0.1, timeout: patience(name) });
      assert.ok(copied.isOn('melt', 'user-1'));
      assert.equal(copied.status().source, 'disk');
    });
  }
});

for (const code of [401, 403]) {
  test(`a token refused by ${code} is told once and polled slowly`, async () => {
    const flags = await client();
    server.fault = status(code);
    const seen = server.polls.length;
    await until(() => server.polls.length > seen);
    await sleep(500);
    assert.equal(server.polls.length, seen + 1);
    assert.ok(flags.isOn('melt', 'user-1'));
    assert.deepEqual(told, [`flags: the server refuses the token (${code}); the last flags stay`]);
  });
}

for (const code of [429, 503]) {
  test(`Retry-After is obeyed with ${code}`, async () => {
    const flags = await client();
    server.fault = status(code, { 'retry-after': '1' });
    const seen = server.polls.length;
    await until(() => server.polls.length > seen);
    flags._news(99); // not even news makes it come earlier
    await until(() => server.polls.length > seen + 1);
    assert.ok(server.polls[seen + 1] - server.polls[seen] >= 990);
    assert.ok(flags.isOn('melt', 'user-1'));
  });
}

test('a Retry-After that is a date is read by the clock of the server', async () => {
  await client();
  server.fault = status(429, { date: 'Sat, 01 Mar 2025 12:00:00 GMT', 'retry-after': 'Sat, 01 Mar 2025 12:00:01 GMT' });
  const seen = server.polls.length;
  await until(() => server.polls.length > seen + 1);
  const waited = server.polls[seen + 1] - server.polls[seen];
  assert.ok(waited > 900 && waited < 5000, `${waited} ms`);
});

test('the wall clock does not matter', async () => {
  const { now } = Date;
  try {
    const flags = await client();
    Date.now = () => now() - 365 * 86_400_000;
    server.document = document(2, flag('melt', { enabled: false }));
    await until(() => flags.version === 2);
    Date.now = () => now() + 365 * 86_400_000;
    const seen = server.polls.length;
    await sleep(300);
    assert.ok(server.polls.length - seen < 15); // no storm of polls that seem overdue
    assert.ok(flags.status().age < 10);
  } finally {
    Date.now = now;
  }
});

test('an older version counts when it is newer by time, or stays', async () => {
  server.document = document(40, flag('melt'));
  const flags = await client();
  const restored = document(38, flag('melt', { enabled: false }));
  server.document = { ...restored, changedAt: '2026-02-01T00:00:00+00:00' };
  await until(() => flags.version === 38);
  server.document = { ...document(37, flag('melt')), changedAt: '2026-01-31T00:00:00+00:00' };
  await until(() => flags.version === 37);
  assert.ok(flags.isOn('melt', 'user-1'));
});

test('a copy is private and whole, and a damaged one is ignored', async () => {
  const copy = path.join(directory, 'deep', 'copy.json');
  await client({ copy });
  await until(() => fs.existsSync(copy));
  assert.equal(fs.statSync(copy).mode & 0o777, 0o600);
  const whole = fs.readFileSync(copy, 'utf8');
  assert.deepEqual(JSON.parse(whole), server.document);
  assert.deepEqual(fs.readdirSync(path.dirname(copy)), ['copy.json']);

  fs.writeFileSync(copy, whole.slice(0, -7));
  server.fault = FAULTS['a closed connection'];
  const flags = await client({ copy, wait: 0 });
  assert.equal(flags.isOn('melt', 'user-1', true), true);
  assert.equal(told.filter((text) => text.includes('on disk')).length, 1);
  server.fault = undefined;
  await until(() => fs.readFileSync(copy, 'utf8') === whole);
});

test('a disk that refuses stops nothing', async () => {
  const blocked = path.join(directory, 'file');
  fs.writeFileSync(blocked, '');
  const flags = await client({ copy: path.join(blocked, 'copy.json') });
  for (const version of [2, 3]) {
    server.document = document(version, flag('melt'));
    await until(() => flags.version === version);
  }
  assert.ok(flags.isOn('melt', 'user-1'));
  await until(() => told.filter((text) => text.includes('no copy of the flags')).length === 1);
});

test('the stream brings a change at once, and polling survives it', async () => {
  server.hasStream = true;
  const flags = await client({ stream: true, pollSeconds: 60 });
  await until(() => flags.status().streaming);
  server.say('event: message\ndata: {"type": "somethingElse"}\n\n: comment\n\n');
  server.document = document(2, flag('melt', { enabled: false }));
  server.announce();
  await until(() => flags.version === 2);

  server.say('data: no JSON\n\n');
  await until(() => !flags.status().streaming);
  server.document = document(3, flag('melt'));
  await until(() => flags.version === 3); // it connects again, and asks what it has missed

  server.hasStream = false;
  server.cut();
  await until(() => !flags.status().streaming);
  assert.ok(flags.isOn('melt', 'user-1'));
});

for (const name of ['404', '503', 'a redirect', 'a body that breaks off', 'a closed connection', 'no HTTP']) {
  test(`a stream that answers by ${name} leaves polling alone`, async () => {
    server.hasStream = true;
    server.streamFault = FAULTS[name];
    const flags = await client({ stream: true });
    await until(() => server.streamTries);
    server.document = document(2, flag('melt', { enabled: false }));
    await until(() => flags.version === 2);
    await until(() => !flags.status().streaming);
    assert.equal(flags.status().problem, '');
  });
}

test('news are followed until a lagging process has caught up', async () => {
  server.hasStream = true;
  const flags = await client({ stream: true, pollSeconds: 60 });
  await until(() => flags.status().streaming);
  const held = server.document;
  server.document = document(2, flag('melt', { enabled: false }));
  server.announce();
  server.document = held;
  const seen = server.polls.length;
  await until(() => server.polls.length >= seen + 2);
  server.document = document(2, flag('melt', { enabled: false }));
  await until(() => flags.version === 2);
});

test('usage is counted and a version acknowledged at once', async () => {
  const flags = await client({ reportSeconds: 60 });
  await until(() => server.reports.length === 1);
  for (let i = 0; i < 1000; i++) flags.isOn('melt', 'npub1');
  flags.value('melt', { targetingKey: 'npub2' });
  flags.isOn('nosuch', 'npub3');
  server.document = document(2, flag('melt', { enabled: false }));
  await until(() => server.reports.length === 2);
  flags.why('melt', 'npub1');
  await flags.close();

  assert.deepEqual(server.reports.map(({ version }) => version), [1, 2, 2]);
  assert.deepEqual(server.reports[1].usage, [{ flag: 'melt', variant: 'on', reason: 'STATIC', count: 1001 }]);
  assert.deepEqual(server.reports[2].usage, [{ flag: 'melt', variant: 'off', reason: 'DISABLED', count: 1 }]);
  assert.deepEqual(server.reports[1].units, ['npub1', 'npub2']);
  assert.deepEqual(server.reports.map(({ stopping = false }) => stopping), [false, false, true]);
  assert.equal(flags.status().acknowledged, 2);
});

test('a report that was not taken comes again under its number', async () => {
  server.reportFault = status(500);
  const flags = await client({ reportSeconds: 0.2 });
  flags.isOn('melt', 'npub1');
  await until(() => server.tried.length >= 3);
  assert.equal(new Set(server.tried.map(({ report }) => report)).size, 1);
  server.reportFault = undefined;
  const counted = () => server.reports.flatMap(({ usage }) => usage).reduce((sum, { count }) => sum + count, 0);
  await until(() => counted() === 1);
  assert.equal(flags.status().dropped, 0);
});

for (const code of [401, 404, 422]) {
  test(`a server that answers reports by ${code} is left alone`, async () => {
    server.reportFault = status(code);
    await client({ reportSeconds: 0.1 });
    await until(() => server.tried.length);
    await sleep(300);
    assert.equal(server.tried.length, 1);
    assert.equal(told.filter((text) => text.includes('reports of usage')).length, 1);
  });
}

test('more rows than a report holds come in several', async () => {
  const keys = Array.from({ length: 4500 }, (_, number) => `flag-${number}`);
  server.document = document(1, ...keys.map((key) => flag(key)));
  const flags = await client({ reportSeconds: 60 });
  await until(() => server.reports.length);
  for (const key of keys) flags.isOn(key, 'npub1');
  await flags.close(10);
  assert.deepEqual(server.reports.slice(1).map(({ usage }) => usage.length), [2000, 2000, 500]);
});

test('a client keeps no process alive, and its last usage is told', async () => {
  server.hasStream = true;
  const code = `
    import { Flags } from ${JSON.stringify(new URL('../src/index.js', import.meta.url).href)};
    const flags = new Flags(process.argv[1], process.argv[2], { keepCopy: false });
    if (!(await flags.ready())) process.exit(3);
    flags.isOn('melt', 'npub1');`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', code, server.url, TOKEN], { stdio: 'inherit' });
  const exit = new Promise((resolve) => {
    child.on('exit', resolve);
  });
  assert.equal(await Promise.race([exit, sleep(8000, 'still running', { ref: false })]), 0);
  const counted = server.reports.flatMap(({ usage }) => usage);
  assert.deepEqual(counted, [{ flag: 'melt', variant: 'on', reason: 'STATIC', count: 1 }]);
});

test('settings that cannot be are refused at once', () => {
  for (const [url, token, options] of [
    ['rollout.example.org', TOKEN],
    ['ftp://rollout.example.org', TOKEN],
    ['http://127.0.0.1:9', ''],
    ['http://127.0.0.1:9', 'a\nb'],
    ['http://127.0.0.1:9', TOKEN, { pollSeconds: 0 }],
    ['http://127.0.0.1:9', TOKEN, { stream: 'no url' }],
  ]) {
    assert.throws(() => new Flags(url, token, { keepCopy: false, ...options }), TypeError);
  }
});
