// Decides all flags of the documents that come as JSON lines; each answer is a line.
import { createInterface } from 'node:readline';
import { Evaluator } from '../../clients/node/src/index.js';

for await (const line of createInterface({ input: process.stdin })) {
  const { document, context } = JSON.parse(line);
  const flags = new Evaluator(document);
  const answers = document.flags.map(({ key }) => {
    const { value, variant, reason, rule } = flags.why(key, context);
    return { value, variant, reason, rule }; // JSON leaves out what is undefined
  });
  process.stdout.write(`${JSON.stringify(answers)}\n`);
}
