// Not run: `npm run types` checks that the declarations fit their use and the SDK's interface.
import type { Provider } from '@openfeature/server-sdk';
import { Evaluator, Flags, type Decision } from 'nctool-flags';
import { NctoolProvider } from 'nctool-flags/openfeature';

const flags = new Flags('https://rollout.example.org', 'nct_token', { pollSeconds: 10, stream: false, log: console });
const on: boolean = flags.isOn('melt', 'npub1');
const colour: string = flags.value('colour', { targetingKey: 'npub1', country: 'DE' }, 'red');
const limit: number = flags.value('limit', null, 5);
const why: Decision<boolean> = flags.why('melt', 'npub1', false);
const settings: { x: number } = flags.value('settings', 'npub1', { x: 1 });
const provider: Provider = new NctoolProvider(flags);
const local: Evaluator = new Evaluator({ format: 1 });
flags.onChange((keys: string[]) => keys.length);
// @ts-expect-error a fallback is a boolean
flags.isOn('melt', 'npub1', 'yes');
export { on, colour, limit, why, settings, provider, local };
