// Follows one flag with the stock web provider, and prints a line for its value at the start and after each change.
import { EventSource } from 'eventsource';

globalThis.EventSource = EventSource; // before the provider is loaded: Node has none of its own
const { OpenFeature, ProviderEvents } = await import('@openfeature/web-sdk');
const { OFREPWebProvider } = await import('@openfeature/ofrep-web-provider');

const [baseUrl, token, key] = process.argv.slice(2);
await OpenFeature.setContext({ targetingKey: 'user-1' });
await OpenFeature.setProviderAndWait(
  new OFREPWebProvider({ baseUrl, headers: [['Authorization', `Bearer ${token}`]], cacheMode: 'disabled' }),
);
const client = OpenFeature.getClient();
const tell = () => console.log(JSON.stringify({ value: client.getBooleanValue(key, false) }));
client.addHandler(ProviderEvents.ConfigurationChanged, tell);
tell();
