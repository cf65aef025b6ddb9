// The provider by itself, and in the stock SDK where that is installed.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Evaluator } from '../src/index.js';
import { NctoolProvider } from '../src/openfeature.js';
import { document, flag } from './server.js';

const flags = new Evaluator(document(
  7,
  flag('melt', { percentage: 25, parameters: { transactionTimeout: 30000, steps: [1] } }),
  flag('off', { enabled: false }),
  flag('salted', { bucketing: 'murmur3', salt: 's', percentage: 50 }),
  flag('colour', { type: 'string', variants: { a: 'red', b: 'blue' }, serve: 'a', off: 'b' }),
  flag('limit', { type: 'number', variants: { a: 1.5, b: 0 }, serve: 'a', off: 'b' }),
  flag('settings', { type: 'json', variants: { a: { x: 1 }, b: {} }, serve: 'a', off: 'b' }),
));
const npub = { targetingKey: 'user-1' }; // js31 bucket 25
const sdk = await import('@openfeature/server-sdk').catch(() => undefined);

test('the provider resolves every type, with reasons and metadata', async () => {
  const provider = new NctoolProvider(flags);
  const melt = await provider.resolveBooleanEvaluation('melt', true, npub);
  assert.deepEqual([melt.value, melt.reason, melt.variant], [false, 'SPLIT', 'off']);
  assert.deepEqual(melt.flagMetadata, {
    transactionTimeout: 30000, rule: 'percentage', percentage: 25, bucket: 25, configVersion: 7,
  });
  assert.equal((await provider.resolveStringEvaluation('colour', '', npub)).value, 'red');
  assert.equal((await provider.resolveNumberEvaluation('limit', 0, npub)).value, 1.5);
  assert.deepEqual((await provider.resolveObjectEvaluation('settings', {}, npub)).value, { x: 1 });
});

test('what has no value gets the default, with its error', async () => {
  const provider = new NctoolProvider(flags);
  const disabled = await provider.resolveBooleanEvaluation('off', true, npub);
  assert.deepEqual([disabled.value, disabled.reason, disabled.errorCode], [true, 'DISABLED', undefined]);
  for (const [key, context, code] of [
    ['nosuch', npub, 'FLAG_NOT_FOUND'],
    ['salted', {}, 'TARGETING_KEY_MISSING'],
    ['colour', npub, 'TYPE_MISMATCH'],
    ['melt', { targetingKey: 5 }, 'INVALID_CONTEXT'],
  ]) {
    const found = await provider.resolveBooleanEvaluation(key, true, context);
    assert.deepEqual([found.value, found.reason, found.errorCode], [true, 'ERROR', code]);
  }
  assert.equal((await new NctoolProvider(new Evaluator()).resolveStringEvaluation('melt', 'x', npub)).errorCode, 'PROVIDER_NOT_READY');
});

test('handlers hear of changes until they are removed', () => {
  const { events } = new NctoolProvider(flags);
  const heard = [];
  const handler = (details) => heard.push(details);
  events.addHandler('PROVIDER_CONFIGURATION_CHANGED', handler);
  events.emit('PROVIDER_CONFIGURATION_CHANGED', { flagsChanged: ['melt'] });
  events.removeHandler('PROVIDER_CONFIGURATION_CHANGED', handler);
  events.emit('PROVIDER_CONFIGURATION_CHANGED', {});
  assert.deepEqual(heard, [{ flagsChanged: ['melt'] }]);
});

test('the stock SDK takes it', { skip: sdk ? false : '@openfeature/server-sdk is not installed' }, async () => {
  const { OpenFeature } = sdk;
  const changed = [];
  const provider = new NctoolProvider(flags);
  await OpenFeature.setProviderAndWait(provider);
  const client = OpenFeature.getClient();
  client.addHandler(sdk.ServerProviderEvents.ConfigurationChanged, ({ flagsChanged }) => changed.push(flagsChanged));
  provider.events.emit('PROVIDER_CONFIGURATION_CHANGED', { flagsChanged: ['melt'] });

  const melt = await client.getBooleanDetails('melt', true, npub);
  assert.deepEqual([melt.value, melt.reason, melt.flagMetadata.bucket], [false, 'SPLIT', 25]);
  assert.equal(await client.getStringValue('colour', '', npub), 'red');
  const unknown = await client.getBooleanDetails('nosuch', true, npub);
  assert.deepEqual([unknown.value, unknown.errorCode], [true, 'FLAG_NOT_FOUND']);
  const disabled = await client.getBooleanDetails('off', true, npub);
  assert.deepEqual([disabled.value, disabled.reason], [true, 'DISABLED']);
  assert.deepEqual(changed, [['melt']]);
  await OpenFeature.close();
});
