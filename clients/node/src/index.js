// Feature flags of the rollout control plane, evaluated inside your process.
export { Flags } from './client.js';
export { Evaluator } from './evaluation.js';
export { BadDocument } from './reading.js';
