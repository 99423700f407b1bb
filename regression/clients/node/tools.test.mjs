// Functions of the client, forms, and `think`, which the server runs.

import assert from 'node:assert/strict';
import test from 'node:test';

import OpenAI from 'openai';
import { makeParseableTextFormat } from 'openai/lib/parser';

import { call, say, says } from './model-server.mjs';
import { SERVED, stage } from './stage.mjs';

const on = stage();
const parameters = {
  type: 'object',
  properties: { city: { type: 'string' } },
  required: ['city'],
  additionalProperties: false,
};
const tools = [{ type: 'function', name: 'get_weather', parameters, strict: true }];
const ask = (fields) =>
  on.client.responses.create({ model: 'demo', input: 'How is the weather in Paris?', tools, ...fields });
const kinds = (response) => response.output.map((item) => item.type);
const output = ({ call_id }, text) => ({ type: 'function_call_output', call_id, output: text });

for (const model of SERVED) {
  test(`a call of a function ends the turn (${model})`, async () => {
    const [item] = (await ask({ model })).output;
    assert.deepEqual([item.type, item.name, item.arguments], ['function_call', 'get_weather', '{"city":"Paris"}']);
  });

  test(`the model gets the output by the chain (${model})`, async () => {
    const first = await ask({ model });
    const input = [output(first.output[0], '22 degrees')];
    const second = await ask({ model, input, previous_response_id: first.id });
    assert.equal(second.output_text, 'The tool answered: 22 degrees');
  });

  test(`parallel calls differ in their ids (${model})`, async () => {
    await on.model.script(say(call('get_weather', { city: 'Rome' }), call('get_weather', { city: 'Oslo' })));
    const ids = (await ask({ model })).output.flatMap((item) => [item.id, item.call_id]);
    assert.deepEqual([ids.length, new Set(ids).size], [4, 4]);
  });

  test(`no call reaches the client that wants none (${model})`, async () => {
    await on.model.script(say({ text: ['Well'] }, call('get_weather', { city: 'Rome' })));
    assert.deepEqual(new Set(kinds(await ask({ model, tool_choice: 'none' }))), new Set(['message']));
  });

  test(`a thought is reasoning before the answer (${model})`, async () => {
    await on.model.script(say(call('think', { thought: 'Hm' })), says('It is.'));
    const response = await ask({ model, tools: [{ type: 'think' }] });
    assert.deepEqual([kinds(response), response.output_text], [['reasoning', 'message'], 'It is.']);
  });

  test(`a form is read from the answer (${model})`, async () => {
    await on.model.script(says('{"city": "Rome"}'));
    const schema = { type: 'json_schema', name: 'place', schema: parameters, strict: true };
    const format = makeParseableTextFormat(schema, (text) => JSON.parse(text));
    const response = await on.client.responses.parse({ model, input: 'Where?', text: { format } });
    assert.deepEqual(response.output_parsed, { city: 'Rome' });
  });
}

test('a call without its output is refused', async () => {
  const first = await ask();
  const next = ask({ input: 'Well?', previous_response_id: first.id });
  await assert.rejects(next, (error) => {
    const message = `No tool output found for function call ${first.output[0].call_id}.`;
    assert.deepEqual([error instanceof OpenAI.BadRequestError, error.error.message], [true, message]);
    return true;
  });
});
