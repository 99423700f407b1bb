// The scripted model server behind the proxy, controlled over HTTP.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { answers, binary, freeAddress, start } from './processes.mjs';

const PATIENCE_MS = 10_000;

export class ModelServer {
  static async start(folder) {
    const server = new ModelServer();
    server.process = await start(async () => {
      server.address = await freeAddress();
      const path = binary('fairlead-demo-model', 'FAIRLEAD_DEMO_MODEL');
      const isReady = () => answers(`http://${server.address}/_counts`);
      return { path, args: ['--listen', server.address], log: join(folder, 'model.log'), isReady };
    });
    return server;
  }

  get baseURL() {
    return `http://${this.address}/v1`;
  }

  /** Adds scripts; the first that matches a request is used. */
  async script(...scripts) {
    await this.#call('/_script', scripts);
  }

  /** The bodies of the requests since the last reset. */
  async bodies() {
    return (await this.#call('/_requests')).map((request) => JSON.parse(request.body));
  }

  /** `open` now; `requests` and `aborted` since the start. */
  counts() {
    return this.#call('/_counts');
  }

  /** Waits until the counts are as wanted. */
  async until(isWanted) {
    const end = Date.now() + PATIENCE_MS;
    for (let counts = await this.counts(); !isWanted(counts); counts = await this.counts()) {
      assert.ok(Date.now() < end, `the model server's counts stay at ${JSON.stringify(counts)}`);
      await sleep(10);
    }
  }

  /** Forgets scripts and requests, and waits for what is still open. */
  async reset() {
    await this.#call('/_reset', {});
    await this.until((counts) => counts.open === 0);
  }

  async #call(path, body) {
    const options = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) };
    const signal = AbortSignal.timeout(PATIENCE_MS);
    const reply = await fetch(`http://${this.address}${path}`, { ...options, signal });
    assert.equal(reply.status, 200, path);
    return reply.json();
  }
}

/** The model says a text in these chunks. */
export const says = (...chunks) => say({ text: chunks });

/** The model says these parts. */
export const say = (...parts) => ({ reply: { say: { parts } } });

/** A call of a function; its arguments come in two chunks. */
export function call(name, args, id = 'call_upstream') {
  const text = JSON.stringify(args);
  const half = Math.ceil(text.length / 2);
  return { call: { id, name, arguments: [text.slice(0, half), text.slice(half)] } };
}

/** A text that ends after its first chunk: `fin`, `reset` or `stall`. */
export const cut = (ending, ...chunks) => ({
  reply: { say: { parts: [{ text: chunks }], cut: { after: 1, ending } } },
});

/** The model's server refuses every request that comes. */
export function refuses(status, error) {
  const pieces = [JSON.stringify({ error: { param: null, code: null, ...error } })];
  return { times: 0, reply: { raw: { status, headers: [['content-type', 'application/json']], pieces } } };
}
