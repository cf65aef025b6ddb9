// The copy of the last snapshot on disk, which an instance starts from while the server is down.
import { createHash, randomBytes } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

/** In the user's cache directory, with a name that another server or token does not share. */
export function defaultPath(url, token) {
  const named = createHash('sha256').update(`${url}\n${token}`).digest('hex').slice(0, 20);
  const cache = process.env.XDG_CACHE_HOME || path.join(os.homedir(), '.cache');
  return path.join(cache, 'nctool-flags', `${named}.json`);
}

/**
 * One file that several processes may write and read; a reader sees a whole one, old or new. It holds allow-lists, so
 * only its owner may read it. A disk that refuses is logged once and stops nothing. Without a path there is no copy.
 */
export class DiskCopy {
  constructor(file, log) {
    this._file = file;
    this._log = log;
    this._refused = false;
  }

  read() {
    if (!this._file) return undefined;
    try {
      return fs.readFileSync(this._file, 'utf8');
    } catch (error) {
      if (error.code !== 'ENOENT') this._complain(error);
      return undefined;
    }
  }

  async keep(content) {
    if (!this._file) return;
    try {
      const held = await fs.promises.readFile(this._file).catch(() => undefined);
      if (!held?.equals(content)) await this._write(content);
      this._refused = false;
    } catch (error) {
      this._complain(error);
    }
  }

  _complain(error) {
    if (!this._refused) {
      this._log.warn(`no copy of the flags on disk, a start without the server will use defaults: ${error.message}`);
    }
    this._refused = true;
  }

  async _write(content) {
    const directory = path.dirname(this._file);
    await fs.promises.mkdir(directory, { recursive: true, mode: 0o700 });
    const name = path.join(directory, `.${path.basename(this._file)}-${randomBytes(6).toString('hex')}`);
    try {
      const file = await fs.promises.open(name, 'wx', 0o600);
      try {
        await file.writeFile(content);
        await file.sync();
      } finally {
        await file.close();
      }
      await fs.promises.rename(name, this._file);
    } catch (error) {
      await fs.promises.rm(name, { force: true });
      throw error;
    }
  }
}
