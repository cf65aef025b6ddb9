// Follow the server's snapshot: poll it, take what is good, keep the last good one through everything else.
import { moment } from './conditions.js';
import { Pace, monotonic } from './pace.js';
import { BadDocument, soundly } from './reading.js';
import { Snapshot } from './snapshot.js';
import { Unreachable, retryAfter } from './transport.js';

const decoder = new TextDecoder('utf-8', { fatal: true });
const PATH = '/api/v1/snapshot';
const SPREAD = 0.1; // seconds over which the instances of one change come
const CATCH_UP = 8; // polls in quick succession after news, for a web process that has not heard it yet
const PATIENCE = 5; // polls in a row that answer an older version, until it is believed: a database was restored

/** `swap` is called with each snapshot that takes the place of the last one. */
export class Follower {
  constructor(http, copy, swap, { interval, environment, log }) {
    this.pace = new Pace(interval);
    this.source = 'nowhere';
    this.confirmedAt = undefined; // when the server last confirmed the snapshot
    this.problem = '';
    this._http = http;
    this._copy = copy;
    this._swap = swap;
    this._environment = environment;
    this._log = log;
    this._held = undefined;
    this._etag = '';
    this._announced = ''; // the ETag of the last news: no web process may answer from before it
    this._wanted = this._hurries = this._calls = this._older = 0;
  }

  /** Start from the disk. A damaged copy is as good as none. */
  readCopy() {
    const content = this._copy.read();
    if (content === undefined) return;
    try {
      this._take(this._readable(content), 'disk');
    } catch (error) {
      this._log.warn(`the copy of the flags on disk is not used: ${error.message}`);
    }
  }

  /** There is news, of this version if it is known: poll at once, and again while an older one comes. */
  expect(version = 0, etag = '') {
    if (etag && etag === this._etag.replace(/^W\//, '')) return;
    this._wanted = version;
    this._announced = etag;
    this._hurries = 0;
    this._calls += 1;
    this.pace.hurry(monotonic(), SPREAD);
  }

  async poll() {
    const calls = this._calls;
    try {
      const headers = this._etag ? { 'if-none-match': this._etag } : {};
      const query = this._announced ? `?flagConfigEtag=${encodeURIComponent(this._announced)}` : '';
      await this._answered(await this._http.ask('GET', `${PATH}${query}`, { headers }));
    } catch (error) {
      if (!(error instanceof Unreachable || error instanceof BadDocument)) throw error;
      this._failed(error.message);
    }
    if (this._calls !== calls) this.pace.hurry(monotonic(), SPREAD); // the answer may be from before the news
  }

  async _answered(reply) {
    if (reply.status === 200) {
      await this._read(reply);
    } else if (reply.status === 304 && this._held) {
      this._confirmed();
    } else if (reply.status === 401 || reply.status === 403) {
      this._tell(`the server refuses the token (${reply.status}); the last flags stay`);
      this.pace.refused(monotonic());
    } else {
      this._failed(`the server answered ${reply.status}`, retryAfter(reply.headers));
    }
  }

  async _read({ headers, body }) {
    const fresh = this._readable(soundly(() => decoder.decode(body)));
    if (this._isOlder(fresh)) {
      this._older += 1;
      if (this._older < PATIENCE) {
        this._tell(`an older version came, ${fresh.version}; ${this._version} stays`);
        this.pace.succeeded(monotonic());
        this._catchUp();
        return;
      }
      this._log.warn(`the server went back from version ${this._version} to ${fresh.version} and stays there`);
    }
    this._etag = headers.etag ?? '';
    const changed = fresh.mark !== this._held?.mark || fresh.differences(this._held).length > 0;
    if (changed) this._take(fresh, 'server');
    this._confirmed();
    if (changed) await this._copy.keep(body);
  }

  _readable(content) {
    const fresh = Snapshot.read(content, this._held);
    if (this._environment && fresh.environment !== this._environment) {
      throw new BadDocument(`flags of '${fresh.environment}', and '${this._environment}' was asked for`);
    }
    return fresh;
  }

  /** Web processes may lag behind each other. After a restore of the database the next change is newer by time. */
  _isOlder(fresh) {
    const held = this._held;
    if (!held || held.environment !== fresh.environment || fresh.version >= held.version) return false;
    return (moment(fresh.changedAt) ?? 0) <= (moment(held.changedAt) ?? 0);
  }

  _take(fresh, source) {
    this._held = fresh;
    this.source = source;
    this._swap(fresh);
  }

  _confirmed() {
    if (this.problem) this._log.info(`the flags are up to date again, version ${this._version}`);
    this.problem = '';
    this._older = 0;
    this.source = 'server';
    this.confirmedAt = monotonic();
    this.pace.succeeded(this.confirmedAt);
    this._catchUp();
  }

  _catchUp() {
    if (this._version >= this._wanted) {
      this._announced = '';
    } else if (this._hurries < CATCH_UP) {
      this.pace.hurry(monotonic() + 0.1 * 2 ** this._hurries, SPREAD);
      this._hurries += 1;
    } else {
      this._wanted = 0;
      this._announced = '';
    }
  }

  _failed(problem, wait) {
    this._tell(`${problem}; ${this._held ? 'the last flags stay' : 'no flags yet, defaults are answered'}`);
    this.pace.failed(monotonic(), wait);
  }

  /** Once, not at every poll. */
  _tell(problem) {
    if (problem !== this.problem) this._log.warn(`flags: ${problem}`);
    this.problem = problem;
  }

  get _version() {
    return this._held?.version ?? 0;
  }
}
