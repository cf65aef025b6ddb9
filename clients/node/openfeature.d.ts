import type { Provider } from '@openfeature/server-sdk';
import type { Evaluator } from './index.js';

/** `await OpenFeature.setProviderAndWait(new NctoolProvider(flags))`. Closing the provider closes the client. */
export class NctoolProvider implements Provider {
  constructor(flags: Evaluator);
  readonly metadata: Provider['metadata'];
  readonly runsOn: 'server';
  readonly events: Provider['events'];
  initialize(): Promise<void>;
  onClose(): Promise<void>;
  resolveBooleanEvaluation: Provider['resolveBooleanEvaluation'];
  resolveStringEvaluation: Provider['resolveStringEvaluation'];
  resolveNumberEvaluation: Provider['resolveNumberEvaluation'];
  resolveObjectEvaluation: Provider['resolveObjectEvaluation'];
}
