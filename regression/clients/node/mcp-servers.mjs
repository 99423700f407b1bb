// Real MCP servers for the proxy to call; regression/make/with_mcp.sh says where their programs are.

import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { freeAddress, start } from './processes.mjs';

const HERE = dirname(fileURLToPath(import.meta.url));
const { FAIRLEAD_MCP_EVERYTHING: everything, FAIRLEAD_MCP_PYTHON: python } = process.env;

/** The program and its arguments, by the word that `mcp.yaml` has for its address. */
const PROGRAMS = {
  EVERYTHING: everything && ((_) => [process.execPath, everything, 'streamableHttp']),
  PYTHON: python && ((port) => [python, join(HERE, 'server.py'), port]),
  PAGES: python && ((port) => [python, join(HERE, 'pages.py'), port]),
};

/** Why tests with some servers cannot run; false where they can. */
export function missing(...words) {
  const help = 'regression/make/with_mcp.sh regression/clients/node/run.sh';
  return words.every((word) => PROGRAMS[word]) ? false : `no MCP servers are named. To run it: ${help}`;
}

export class McpServers {
  /** Starts those of `words` whose programs are there, side by side. */
  static async start(folder, words) {
    const servers = new McpServers();
    const begun = words.filter((word) => PROGRAMS[word]).map(async (word) => [word, await begin(word, folder)]);
    servers.running = Object.fromEntries(await Promise.all(begun));
    servers.nobody = await freeAddress();
    return servers;
  }

  /** The objects of `mcp.yaml`; one whose server does not run leads nowhere. */
  objects() {
    const place = (_, word) => `//${this.running[word]?.address ?? this.nobody}/`;
    return readFileSync(join(HERE, 'mcp.yaml'), 'utf8').replace(/\/\/([A-Z]+)\//g, place);
  }

  /** Where a server is called. */
  url(word) {
    return `http://${this.running[word].address}/mcp`;
  }

  /** What was called at `pages.py` since this was last asked. */
  async calls() {
    const reply = await fetch(`http://${this.running.PAGES.address}/_calls`);
    return reply.json();
  }

  async stop() {
    await Promise.all(Object.values(this.running).map(({ process }) => process.stop()));
  }
}

async function begin(word, folder) {
  let address;
  const process = await start(async () => {
    address = await freeAddress();
    const port = address.split(':')[1];
    const [path, ...args] = PROGRAMS[word](port);
    const env = { PORT: port, PYTHONDONTWRITEBYTECODE: '1' };
    return { path, args, env, log: join(folder, `${word}.log`), isReady: () => listens(Number(port)) };
  });
  return { process, address };
}

function listens(port) {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    const tell = (answer) => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('connect', () => tell(true)).once('error', () => tell(false));
  });
}
