/** An npub, or attributes among which `targetingKey` is the npub, or nothing. */
export type Context = string | { targetingKey?: string; [attribute: string]: unknown } | null | undefined;

export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };
export type Reason = 'STATIC' | 'SPLIT' | 'TARGETING_MATCH' | 'DISABLED' | 'ERROR';
export type Rule = 'disabled' | 'prerequisite' | 'deny-list' | 'allow-list' | 'rule' | 'percentage' | 'no-key' | '';

/** An answer with its reason. `value` is the fallback where the flag has none to give. */
export interface Decision<T = unknown> {
  flag: string;
  value: T;
  environment: string;
  /** The configuration version that decided; 0 when there was none. */
  version: number;
  /** The flag's parameters. They are frozen. */
  parameters: Readonly<Record<string, Json>>;
  variant: string;
  reason: Reason;
  rule: Rule;
  /** The targeting rule that decided, or the prerequisite that was not met. */
  name: string;
  /** The percentage that decided: the rule's, or the flag's. */
  percentage?: number;
  /** Where the unit stands: 0 to 99 (js31) or 9999 (murmur3); undefined where it was not asked for. */
  bucket?: number;
  errorCode?: 'FLAG_NOT_FOUND' | 'PROVIDER_NOT_READY' | 'TARGETING_KEY_MISSING' | 'TYPE_MISMATCH' | 'INVALID_CONTEXT' | 'GENERAL';
  error?: string;
}

/** What came is no snapshot that this version can read. */
export class BadDocument extends Error {}

/** Answers from one snapshot document; for tests of your own code. */
export class Evaluator {
  /** Throws BadDocument when the document is no snapshot. */
  constructor(document?: object);
  /** Whether a flag is on, one of another type: not at its off variant. `fallback` (false) when it gives no value. */
  isOn(key: string, context?: Context, fallback?: boolean): boolean;
  /** The value of the flag's variant; `fallback` when it has none, or none of the fallback's type. It is frozen. */
  value(key: string, context: Context, fallback: boolean): boolean;
  value(key: string, context: Context, fallback: string): string;
  value(key: string, context: Context, fallback: number): number;
  value<T = unknown>(key: string, context?: Context, fallback?: T): T;
  /** The value with its reason, its bucket, and the flag's parameters. */
  why<T = unknown>(key: string, context?: Context, fallback?: T): Decision<T>;
  readonly version: number;
  readonly environment: string;
  readonly keys: string[];
}

export interface Log {
  info(message: string): void;
  warn(message: string): void;
  error(message: string): void;
}

export interface Options {
  /** Refuse flags of any other environment. */
  environment?: string;
  /** The file to start from while the server is down; default: one in the user's cache directory. */
  copy?: string;
  /** false: no file at all. */
  keepCopy?: boolean;
  /** Default 30, with a jitter of 20 %. */
  pollSeconds?: number;
  /** Default 30; 0 reports nothing. */
  reportSeconds?: number;
  /** Listen to changes; default true. A URL: that stream, with the token. */
  stream?: boolean | string;
  /** Seconds for each step of a request; default 10. */
  timeout?: number;
  /** What this instance is called; default: the host's name. The process id is added. */
  instance?: string;
  /** Tell the server which npubs were asked about; default true. */
  reportUnits?: boolean;
  /** Where faults are told; default console. false: nowhere. */
  log?: Log | false;
  /** Options for node:https, for example `ca`. */
  tls?: object;
}

export interface Status {
  environment: string;
  version: number;
  source: 'nowhere' | 'disk' | 'server';
  /** Seconds since the server last confirmed the flags. */
  age?: number;
  /** Why the last poll failed; empty when it did not. */
  problem: string;
  streaming: boolean;
  acknowledged: number;
  dropped: number;
  instance: string;
}

/** Follows the server. */
export class Flags extends Evaluator {
  /** Throws TypeError for settings that cannot be; whatever the server does throws nothing. */
  constructor(url: string, token: string, options?: Options);
  /** Resolves to whether there are flags to answer from, when the server has answered or after `seconds` (2). */
  ready(seconds?: number): Promise<boolean>;
  onChange(listener: (keys: string[]) => void): void;
  status(): Status;
  /** Report what is left, for at most `seconds` (2), and stop. */
  close(seconds?: number): Promise<void>;
}
