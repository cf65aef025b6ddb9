// A server that speaks the client's protocol and can do everything wrong, on a free port.
import http from 'node:http';
import { gzipSync } from 'node:zlib';

export const TOKEN = 'nct_test';

/** A boolean js31 flag, on for everybody. */
export const flag = (key, told) => ({
  key, type: 'boolean', enabled: true, bucketing: 'js31', salt: '', percentage: 100, variants: { on: true, off: false },
  serve: 'on', off: 'off', allow: [], deny: [], prerequisites: [], rules: [], parameters: {}, ...told,
});

export const document = (version, ...flags) => ({
  format: 1, environment: 'production', version, segments: {}, flags,
  changedAt: `2026-01-01T00:${String(version % 60).padStart(2, '0')}:00+00:00`,
});

export class Server {
  constructor() {
    this.document = document(1, flag('melt'));
    this.fault = undefined; // takes the place of the answer to a poll
    this.reportFault = undefined;
    this.hasStream = false;
    this.streamFault = undefined;
    this.streamTries = 0;
    this.polls = []; // the times of all polls, in ms
    this.tried = []; // all reports that came, taken or not
    this.reports = [];
    this.streams = new Set();
  }

  async start() {
    this._server = http.createServer((request, response) => this._answer(request, response));
    await new Promise((resolve) => {
      this._server.listen(0, '127.0.0.1', resolve);
    });
    this.url = `http://127.0.0.1:${this._server.address().port}`;
    return this;
  }

  async stop() {
    this.cut();
    this._server.closeAllConnections();
    await new Promise((resolve) => {
      this._server.close(resolve);
    });
  }

  announce() {
    const { version } = this.document;
    this.say(`id: ${version}\ndata: ${JSON.stringify({ type: 'refetchEvaluation', etag: `"${version}"` })}\n\n`);
  }

  say(text) {
    for (const stream of this.streams) stream.write(text);
  }

  cut() {
    for (const stream of this.streams) stream.destroy();
    this.streams.clear();
  }

  async _answer(request, response) {
    let body = '';
    for await (const piece of request) body += piece;
    if (request.url.startsWith('/stream')) {
      this.streamTries += 1;
      if (this.streamFault) return this.streamFault(response, request);
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(': hello\n\n');
      this.streams.add(response);
    } else if (request.headers.authorization !== `Bearer ${TOKEN}`) {
      response.writeHead(401).end();
    } else if (request.url === '/api/v1/stream-tickets') {
      response.writeHead(this.hasStream ? 200 : 404).end(JSON.stringify({ url: `${this.url}/stream?ticket=t` }));
    } else if (request.url === '/api/v1/clients/report') {
      this.tried.push(JSON.parse(body));
      if (this.reportFault) return this.reportFault(response, request);
      const report = JSON.parse(body);
      if (this.reports.every((known) => known.report !== report.report)) this.reports.push(report);
      response.writeHead(204).end();
    } else {
      this.polls.push(performance.now());
      if (this.fault) return this.fault(response, request);
      this._snapshot(request, response);
    }
    return undefined;
  }

  _snapshot(request, response) {
    const etag = `"${this.document.version}"`;
    if (request.headers['if-none-match'] === etag) return response.writeHead(304, { etag }).end();
    const packed = gzipSync(JSON.stringify(this.document));
    return response.writeHead(200, { etag, 'content-encoding': 'gzip' }).end(packed);
  }
}

export const status = (code, headers) => (response) => response.writeHead(code, headers).end('<html>oh</html>');
const body = (text, headers) => (response) => response.writeHead(200, headers).end(text);
const snapshot = (made) => body(JSON.stringify(made));
const good = JSON.stringify(document(9, flag('melt')));

export const FAULTS = {
  400: status(400),
  404: status(404),
  '429 without a Retry-After': status(429),
  '429 with nonsense': status(429, { 'retry-after': 'soon' }),
  500: status(500),
  503: status(503),
  'a redirect': status(302, { location: 'http://127.0.0.1:9/' }),
  204: (response) => response.writeHead(204).end(),
  'an empty body': body(''),
  'a page': body('<html>Sign in</html>'),
  bytes: body(Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))),
  null: body('null'),
  'a list': body('[1]'),
  'half a document': body(good.slice(0, 120)),
  'another format': snapshot({ ...document(9), format: 2 }),
  'a version that is a text': snapshot({ ...document(9), version: '9' }),
  'no flags': snapshot({ ...document(9), flags: undefined }),
  'half a flag': snapshot(document(9, { key: 'melt', enabled: true })),
  'a flag served what it has not': snapshot(document(9, flag('melt', { serve: 'blue' }))),
  'an unknown hash': snapshot(document(9, flag('melt', { bucketing: 'md5' }))),
  'another environment': snapshot({ ...document(9), environment: 'staging' }),
  'an older version': snapshot(document(0, flag('melt', { enabled: false }))),
  'no gzip in gzip': body('oh', { 'content-encoding': 'gzip' }),
  'half a gzip': body(gzipSync(good).subarray(0, -12), { 'content-encoding': 'gzip' }),
  'a body that breaks off': (response) => {
    response.writeHead(200, { 'content-length': 5000 });
    response.write('{"format": 1');
    setTimeout(() => response.destroy(), 20);
  },
  silence: () => {},
  'a body that drips': (response) => {
    response.writeHead(200);
    const timer = setInterval(() => response.write(' '), 50);
    response.on('close', () => clearInterval(timer));
  },
  'no HTTP': (response) => response.socket.end('220 smtp.example.org ESMTP\r\n\r\n'),
  'a closed connection': (response) => response.destroy(),
};
