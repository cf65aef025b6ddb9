// A Node process with a client, driven by a test: it reads questions as JSON lines and answers each with one.
// `node follow.mjs <url> <token> <copy> <options>`
import { createInterface } from 'node:readline';
import { Flags } from '../../clients/node/src/index.js';

const [url, token, copy, options] = process.argv.slice(2);
const flags = new Flags(url, token, { copy, log: false, ...JSON.parse(options) });
await flags.ready();
for await (const line of createInterface({ input: process.stdin })) {
  const { call, parameters } = JSON.parse(line);
  const answer = await flags[call](...parameters);
  process.stdout.write(`${JSON.stringify(answer ?? null)}\n`);
  if (call === 'close') break;
}
process.stdin.destroy(); // the test still holds its end
