// What every file of tests stands on: a model server, MCP servers, the proxy in front of them, and a client.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach } from 'node:test';

import OpenAI from 'openai';

import { McpServers } from './mcp-servers.mjs';
import { ModelServer } from './model-server.mjs';
import { answers, binary, freeAddress, start } from './processes.mjs';

const provider = (name, url, api) => `\
apiVersion: fairlead.dev/v1alpha1
kind: ModelProvider
metadata: {name: ${name}}
spec:
  type: OpenAI
  baseURL: ${url}
  openai: {api: ${api}}
  directModels: Allow
  callerCredentials: Allow
`;

const model = (name, publicName, kind, providerName) => `\
apiVersion: fairlead.dev/v1alpha1
kind: Model
metadata: {name: ${name}}
spec:
  modelName: ${publicName}
  type: ${kind}
  targets:
  - name: only
    providerRef: {name: ${providerName}}
    upstreamModel: ${name}
`;

/** The models by the wire format of their provider. */
export const SERVED = ['demo', 'native'];

/** Starts them for a file of tests, with the MCP servers that it names; every test begins without scripts and requests. */
export function stage(...mcp) {
  const on = {};
  before(async () => {
    on.folder = mkdtempSync(join(tmpdir(), 'fairlead-node-'));
    on.model = await ModelServer.start(on.folder);
    on.mcp = await McpServers.start(on.folder, mcp);
    on.proxy = await startProxy(on);
    const baseURL = `http://${on.address}/v1`;
    on.client = new OpenAI({ baseURL, apiKey: 'key-of-the-caller', maxRetries: 0, timeout: 30_000 });
  });
  beforeEach(async () => {
    on.logged = on.proxy.logSize();
    await on.model.reset();
  });
  afterEach((context) => {
    if (context.passed === false) console.error(`--- the proxy's log ---\n${on.proxy.log(on.logged)}\n---`);
  });
  after(async () => {
    await on.proxy?.stop();
    await on.mcp?.stop();
    await on.model?.process.stop();
    rmSync(on.folder, { recursive: true, force: true });
  });
  return on;
}

function startProxy(on) {
  const config = join(on.folder, 'config');
  mkdirSync(config);
  const url = on.model.baseURL;
  const objects = [
    provider('fake', url, 'ChatCompletions'),
    provider('direct', url, 'Responses'),
    model('demo', 'demo', 'Chat', 'fake'),
    model('native', 'native', 'Chat', 'direct'),
    model('team-demo', 'team/demo', 'Chat', 'fake'),
    model('embed', 'embed', 'Embedding', 'fake'),
  ];
  writeFileSync(join(config, 'objects.yaml'), objects.join('---\n'));
  writeFileSync(join(config, 'mcp.yaml'), on.mcp.objects());
  return start(async () => {
    on.address = await freeAddress();
    const admin = await freeAddress();
    const args = ['serve', '--listen', on.address, '--admin-listen', admin, '--data-dir', join(on.folder, 'data')];
    args.push('--config', config, '--egress-allow-loopback');
    const log = join(on.folder, 'proxy.log');
    return { path: binary('fairlead-proxy', 'FAIRLEAD_PROXY'), args, log, isReady: () => answers(`http://${admin}/readyz`) };
  });
}

/** All that an iterable of the SDK gives. */
export async function all(iterable) {
  const found = [];
  for await (const one of iterable) found.push(one);
  return found;
}
