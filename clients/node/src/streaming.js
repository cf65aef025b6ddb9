// Listen to the server's events, so that a change is seen at once; polling goes on whatever happens here.
import { Pace, monotonic } from './pace.js';
import { retryAfter } from './transport.js';

const RECONNECT = 15; // seconds; the first tries come sooner, the last within four times as many
const SILENCE = 40; // seconds; the server says something every 15
const LONGEST_RETRY = 60; // seconds: what a `retry` of the server may be at most
const NUMBER = /^[0-9]+$/;
const STEADY = 60; // seconds after which a connection that breaks is not held against the server

/**
 * `url` is a stream to open with the token; empty: ask the server for a ticket. `news` is called with a version and its
 * ETag.
 */
export class Listener {
  constructor(http, url, news, log) {
    this.pace = new Pace(RECONNECT);
    this.connected = false;
    this._http = http;
    this._url = url;
    this._news = news;
    this._log = log;
    this._stream = undefined;
    this._closed = this._told = false;
  }

  /** One connection, until it breaks. */
  async listen() {
    const began = monotonic();
    try {
      this._stream = await this._open();
      if (!this._stream) return;
      this.connected = true;
      this._told = false;
      this._news(); // what was announced before is lost
      await this._follow(this._stream.lines);
      throw new Error('the stream ended');
    } catch (error) {
      if (monotonic() - began > STEADY) this.pace.failures = 0;
      this._broken(error.message);
    } finally {
      this.connected = false;
      this._stream?.close();
      this._stream = undefined;
    }
  }

  close() {
    this._closed = true;
    this._stream?.close();
  }

  /** The stream; undefined when there is none to be had now, and `pace` says when to try again. */
  async _open() {
    const url = this._url || (await this._ticket());
    if (!url || this._closed) return undefined;
    const stream = await this._http.listen(url, { own: Boolean(this._url), silence: SILENCE });
    if (stream.status === 200 && !this._closed) return stream;
    stream.close();
    this._refused(stream.status, retryAfter(stream.headers));
    return undefined;
  }

  async _ticket() {
    const reply = await this._http.ask('POST', '/api/v1/stream-tickets', { body: '{}' });
    if (reply.status === 200 || reply.status === 201) {
      const { url } = JSON.parse(reply.body.toString('utf8'));
      if (typeof url !== 'string') throw new Error('a stream ticket without a url');
      return url;
    }
    this._refused(reply.status, retryAfter(reply.headers));
    return undefined;
  }

  /** A message of an unknown type is none. */
  async _follow(lines) {
    let told = {};
    for await (const line of lines) {
      if (line !== '') {
        const [, name, text] = /^([^:]*):? ?(.*)$/s.exec(line);
        told[name] = text;
        continue;
      }
      if (told.data !== undefined) this._heard(JSON.parse(told.data), told.id);
      if (NUMBER.test(told.retry)) this.pace.first = Math.min(Math.max(told.retry / 1000, 0.1), LONGEST_RETRY);
      told = {};
    }
  }

  _heard(message, version) {
    if (message?.type !== 'refetchEvaluation') return;
    this._news(NUMBER.test(version) ? Number(version) : 0, String(message.etag ?? ''));
  }

  _refused(status, wait) {
    if (status === 429 || status >= 500) {
      this._broken(`the server answered ${status}`, wait);
    } else { // no stream here, or not for this token
      this._tell(`the server answered ${status}`);
      this.pace.refused(monotonic());
    }
  }

  _broken(problem, wait) {
    this._tell(problem);
    this.pace.failed(monotonic(), wait);
  }

  _tell(problem) {
    if (!this._told && !this._closed) {
      this._log.info(`no stream of changes, they are found by polling: ${problem}`);
    }
    this._told = true;
  }
}
