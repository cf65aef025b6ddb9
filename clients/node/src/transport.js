// HTTP with node:http and node:https: one request to a reply, or a stream of lines. Redirects are not followed, so the
// token goes nowhere else. No socket keeps the process alive.
import http from 'node:http';
import https from 'node:https';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';

const LONGEST_BODY = 128 * 1024 * 1024; // bytes, unpacked
const LONGEST_LINE = 64 * 1024;
const unpack = promisify(gunzip);

/** No reply, or one that broke off. */
export class Unreachable extends Error {}

/** Throws TypeError for what is no http or https URL. */
export function address(url) {
  const parsed = new URL(url);
  if (parsed.protocol !== 'http:' && parsed.protocol !== 'https:') {
    throw new TypeError(`${url} is no URL: write for example https://rollout.example.org`);
  }
  return parsed;
}

/** Seconds to wait, or undefined. A date is read against the server's own clock: ours may be wrong. */
export function retryAfter(headers) {
  const told = headers['retry-after'];
  if (told === undefined) return undefined;
  if (/^\s*[0-9]+\s*$/.test(told)) return Number(told);
  const seconds = (Date.parse(told) - Date.parse(headers.date)) / 1000;
  return Number.isFinite(seconds) ? seconds : undefined;
}

export class Http {
  constructor(url, token, { software, timeout, agentOptions }) {
    if (typeof token !== 'string' || !/^[\x21-\x7e]+$/.test(token)) {
      throw new TypeError('the token is empty or holds characters that no token has');
    }
    this._base = address(url).href.replace(/\/+$/, '');
    this._headers = { authorization: `Bearer ${token}`, 'user-agent': software };
    this._timeout = timeout * 1000;
    this._options = agentOptions ?? {};
  }

  /** Resolves to {status, headers, body}; rejects with Unreachable when no whole reply comes. */
  async ask(method, path, { body, headers } = {}) {
    const told = { ...this._headers, 'accept-encoding': 'gzip', ...headers };
    if (body !== undefined) {
      told['content-type'] = 'application/json';
      told['content-length'] = Buffer.byteLength(body);
    }
    try {
      const { response, end } = await this._open(method, `${this._base}${path}`, told, this._timeout, body);
      const limit = setTimeout(() => end(new Error('the body took too long')), 3 * this._timeout);
      limit.unref();
      try {
        return { status: response.statusCode, headers: response.headers, body: await whole(response) };
      } finally {
        clearTimeout(limit);
        end();
      }
    } catch (error) {
      throw new Unreachable(`${error.code ?? error.name}: ${error.message}`);
    }
  }

  /** Resolves to an open stream. `own`: it is the operator's URL, so it gets the token; a ticket needs none. */
  async listen(url, { own, silence }) {
    const headers = { accept: 'text/event-stream', 'user-agent': this._headers['user-agent'] };
    if (own) headers.authorization = this._headers.authorization;
    try {
      const { response, end } = await this._open('GET', address(url).href, headers, silence * 1000);
      return { status: response.statusCode, headers: response.headers, lines: lines(response), close: end };
    } catch (error) {
      throw new Unreachable(`${error.code ?? error.name}: ${error.message}`);
    }
  }

  _open(method, url, headers, timeout, body) {
    return new Promise((resolve, reject) => {
      const { request } = url.startsWith('https:') ? https : http;
      const asked = request(url, { ...this._options, method, headers, timeout, agent: false }, (response) => {
        resolve({ response, end: (error) => asked.destroy(error) });
      });
      asked.on('socket', (socket) => socket.unref());
      asked.on('timeout', () => asked.destroy(new Error(`nothing came for ${timeout / 1000} s`)));
      asked.on('error', reject);
      asked.end(body);
    });
  }
}

async function whole(response) {
  const pieces = [];
  let size = 0;
  for await (const piece of response) {
    size += piece.length;
    if (size > LONGEST_BODY) throw new Error(`a body of more than ${LONGEST_BODY} bytes`);
    pieces.push(piece);
  }
  if (!response.complete) throw new Error('the body broke off');
  const body = Buffer.concat(pieces);
  const packed = response.headers['content-encoding']?.trim() === 'gzip' && body.length > 0;
  return packed ? unpack(body, { maxOutputLength: LONGEST_BODY }) : body;
}

/** The lines of a stream, without their ends. */
async function* lines(response) {
  let rest = '';
  response.setEncoding('utf8');
  for await (const piece of response) {
    const found = (rest + piece).split('\n');
    rest = found.pop();
    if (rest.length > LONGEST_LINE) throw new Unreachable('a line without an end');
    for (const line of found) yield line.replace(/\r$/, '');
  }
}
