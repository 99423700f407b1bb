// The built binaries as child processes, each on free ports of its own.

import { spawn } from 'node:child_process';
import { existsSync, openSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const START_MS = 60_000;
const LOG_LINES = 60;

/** The path of a built binary: what the variable says, else cargo's debug folder. */
export function binary(name, variable) {
  const target = process.env.CARGO_TARGET_DIR || join(homedir(), '.cache/fairlead/target');
  const path = process.env[variable] || join(target, 'debug', name);
  if (!existsSync(path)) throw new Error(`there is no built ${name} at ${path}: build it, or name one in ${variable}`);
  return path;
}

/** An address that nothing listens on at this moment. */
export async function freeAddress() {
  const probe = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => probe.once('listening', resolve));
  const address = `127.0.0.1:${probe.address().port}`;
  await new Promise((resolve) => probe.close(resolve));
  return address;
}

/** Starts what `launch` describes; again on other ports where another process was faster. */
export async function start(launch, tries = 3) {
  for (let attempt = 0; attempt < tries; attempt += 1) {
    const process = new Process(await launch());
    if (await process.isReady()) return process;
    if (attempt === tries - 1) throw new Error(`${process.path} ended at its start\n${process.log()}`);
  }
}

class Process {
  constructor({ path, args, env = {}, log, isReady }) {
    Object.assign(this, { path, serves: isReady, logFile: log });
    const out = openSync(log, 'a');
    this.child = spawn(path, args, { env, stdio: ['ignore', out, out] });
    this.ended = new Promise((resolve) => this.child.once('exit', resolve));
  }

  /** Whether it serves; rejects when that takes too long. */
  async isReady() {
    const end = Date.now() + START_MS;
    while (Date.now() < end) {
      if (this.child.exitCode !== null) return false;
      if (await this.serves()) return true;
      await sleep(20);
    }
    throw new Error(`${this.path} is not ready after ${START_MS} ms\n${this.log()}`);
  }

  /** The end of what was logged after the first `skipped` characters. */
  log(skipped = 0) {
    return readFileSync(this.logFile, 'utf8').slice(skipped).split('\n').slice(-LOG_LINES).join('\n');
  }

  logSize() {
    return readFileSync(this.logFile, 'utf8').length;
  }

  async stop() {
    this.child.kill('SIGKILL');
    await this.ended;
  }
}

/** Whether it answers 200. */
export async function answers(url) {
  const reply = await fetch(url).catch(() => null);
  await reply?.arrayBuffer();
  return reply?.status === 200;
}
