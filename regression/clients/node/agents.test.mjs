// The Agents SDK with hosted MCP tools: the server calls them, and the SDK asks a person where a call needs approval.

import assert from 'node:assert/strict';
import test from 'node:test';

import { Agent, OpenAIResponsesModel, Runner, hostedMcpTool } from '@openai/agents';

import { missing } from './mcp-servers.mjs';
import { call, say, says } from './model-server.mjs';
import { SERVED, all, stage } from './stage.mjs';

const on = stage('PYTHON');
const python = { skip: missing('PYTHON') };
const runner = new Runner({ tracingDisabled: true });
const QUESTION = 'What is 2 + 3?';

/** An agent with a hosted tool; its model calls `add` first. */
async function hosted(model, fields) {
  await on.model.script(say(call('mcp__python__add', { a: 2, b: 3 })), says('It is 5.'));
  const tools = [hostedMcpTool({ serverLabel: 'python', ...fields })];
  return new Agent({ name: 'Adder', model: new OpenAIResponsesModel(on.client, model), tools });
}

/** Says the same to every request, and remembers what it was asked. */
function person(said) {
  const asked = [];
  const onApproval = async (_, item) => {
    const { server_label, name, arguments: text } = item.rawItem.providerData;
    asked.push([server_label, name, JSON.parse(text)]);
    return said;
  };
  return { asked, onApproval };
}

const outputs = (result) =>
  result.newItems.filter((item) => item.rawItem.providerData?.type === 'mcp_call').map((item) => item.rawItem.output);

for (const model of SERVED) {
  test(`a hosted tool is called by the server (${model})`, python, async () => {
    const result = await runner.run(await hosted(model, { requireApproval: 'never' }), QUESTION);
    assert.deepEqual([outputs(result), result.finalOutput, result.rawResponses.length], [['5'], 'It is 5.', 1]);
  });

  test(`a call runs once the callback approves (${model})`, python, async () => {
    const { asked, onApproval } = person({ approve: true });
    const result = await runner.run(await hosted(model, { requireApproval: 'always', onApproval }), QUESTION);
    assert.deepEqual([asked, outputs(result), result.finalOutput], [[['python', 'add', { a: 2, b: 3 }]], ['5'], 'It is 5.']);
  });

  test(`a call does not run where the callback denies (${model})`, python, async () => {
    const { asked, onApproval } = person({ approve: false, reason: 'Not on a Sunday' });
    const result = await runner.run(await hosted(model, { requireApproval: 'always', onApproval }), QUESTION);
    assert.deepEqual([asked.length, outputs(result), result.finalOutput], [1, [], 'It is 5.']);
    assert.match(JSON.stringify((await on.model.bodies())[1]), /Not on a Sunday/);
  });

  test(`a streamed run asks and goes on (${model})`, python, async () => {
    const { onApproval } = person({ approve: true });
    const agent = await hosted(model, { requireApproval: 'always', onApproval });
    const streamed = await runner.run(agent, QUESTION, { stream: true });
    const texts = (await all(streamed)).filter((event) => event.data?.type === 'output_text_delta');
    assert.equal(texts.map((event) => event.data.delta).join(''), 'It is 5.');
    assert.deepEqual([outputs(streamed), streamed.finalOutput], [['5'], 'It is 5.']);
  });

  for (const approve of [true, false]) {
    test(`a run is interrupted and goes on once a person ${approve ? 'approved' : 'rejected'} (${model})`, python, async () => {
      const agent = await hosted(model, { requireApproval: 'always' });
      const first = await runner.run(agent, QUESTION);
      const [waiting] = first.interruptions;
      assert.equal(waiting.rawItem.name, 'add');
      first.state[approve ? 'approve' : 'reject'](waiting);
      const result = await runner.run(agent, first.state);
      assert.deepEqual([outputs(result), result.finalOutput], [approve ? ['5'] : [], 'It is 5.']);
    });
  }
}
