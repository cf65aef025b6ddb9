// The OpenFeature provider for @openfeature/server-sdk, which it does not import:
// `await OpenFeature.setProviderAndWait(new NctoolProvider(flags))`.

/** Resolves from memory, and says when flags have changed. Closing the provider closes the client. */
export class NctoolProvider {
  constructor(flags) {
    this.metadata = { name: 'nctool-flags' };
    this.runsOn = 'server';
    this.hooks = [];
    this.events = new Events();
    this._flags = flags;
    flags.onChange?.((flagsChanged) => {
      this.events.emit('PROVIDER_CONFIGURATION_CHANGED', { flagsChanged });
    });
  }

  async initialize() {
    await this._flags.ready?.();
  }

  async onClose() {
    await this._flags.close?.();
  }

  async resolveBooleanEvaluation(key, fallback, context) {
    return this._resolve(key, fallback, context);
  }

  async resolveStringEvaluation(key, fallback, context) {
    return this._resolve(key, fallback, context);
  }

  async resolveNumberEvaluation(key, fallback, context) {
    return this._resolve(key, fallback, context);
  }

  async resolveObjectEvaluation(key, fallback, context) {
    const details = this._resolve(key, fallback, context);
    if (details.errorCode || typeof details.value === 'object') return details;
    const errorMessage = "The flag's value is no object and no list.";
    return { value: fallback, reason: 'ERROR', errorCode: 'TYPE_MISMATCH', errorMessage };
  }

  _resolve(key, fallback, context) {
    const decision = this._flags.why(key, context, fallback);
    const flagMetadata = metadata(decision);
    if (decision.errorCode) {
      const { errorCode, error: errorMessage } = decision;
      return { value: fallback, reason: 'ERROR', errorCode, errorMessage, flagMetadata };
    }
    return { value: decision.value, reason: decision.reason, variant: decision.variant, flagMetadata };
  }
}

/** The flag's plain parameters and the why of the answer, by the names that OFREP answers have. */
function metadata({ parameters, rule, name, bucket, percentage, version }) {
  const why = { rule: rule || undefined, ruleName: name || undefined, bucket, percentage, configVersion: version };
  const plain = ([, value]) => ['string', 'number', 'boolean'].includes(typeof value);
  return Object.fromEntries(Object.entries({ ...parameters, ...why }).filter(plain));
}

/** As much of the SDK's emitter as it asks of a provider. */
class Events {
  constructor() {
    this._handlers = new Map();
  }

  emit(event, details) {
    for (const handler of this.getHandlers(event)) handler(details);
  }

  addHandler(event, handler) {
    this._handlers.set(event, [...this.getHandlers(event), handler]);
  }

  removeHandler(event, handler) {
    this._handlers.set(event, this.getHandlers(event).filter((one) => one !== handler));
  }

  removeAllHandlers(event) {
    if (event === undefined) this._handlers.clear();
    else this._handlers.delete(event);
  }

  getHandlers(event) {
    return this._handlers.get(event) ?? [];
  }

  setLogger() {
    return this;
  }
}
