// Responses: creating, chaining, reading and deleting them.

import assert from 'node:assert/strict';
import test from 'node:test';

import OpenAI from 'openai';

import { say, says } from './model-server.mjs';
import { SERVED, all, stage } from './stage.mjs';

const on = stage();
const respond = (fields) => on.client.responses.create({ model: 'demo', input: 'Hello', ...fields });
const texts = (items) => items.map((item) => item.content[0].text);

for (const model of SERVED) {
  test(`the text of the model is the output text (${model})`, async () => {
    await on.model.script(says('Good ', 'day'));
    const response = await respond({ model });
    assert.deepEqual([response.status, response.output_text], ['completed', 'Good day']);
  });

  test(`usage is what the model counted (${model})`, async () => {
    const script = says('Good day');
    script.reply.say.usage = { exact: { input: 10, output: 4 } };
    await on.model.script(script);
    const { usage } = await respond({ model });
    assert.deepEqual([usage.input_tokens, usage.output_tokens, usage.total_tokens], [10, 4, 14]);
  });

  test(`a refusal is a part of the message (${model})`, async () => {
    await on.model.script(say({ refusal: ['I ', 'will not'] }));
    const [message] = (await respond({ model })).output;
    assert.deepEqual(message.content, [{ type: 'refusal', refusal: 'I will not' }]);
  });

  test(`a second turn goes on from the first (${model})`, async () => {
    const first = await respond({ model, input: 'One' });
    const second = await respond({ model, input: 'Two', previous_response_id: first.id });
    assert.match(second.output_text, /You said: Two Before that: One$/);
  });

  test(`what was created is what is read (${model})`, async () => {
    const { _request_id: _, ...created } = await respond({ model, metadata: { a: 'b' } });
    const { _request_id: __, ...read } = await on.client.responses.retrieve(created.id);
    assert.deepEqual(read, created);
  });
}

test('instructions come in front of the input', async () => {
  await respond({ instructions: 'Be brief.' });
  const [{ messages }] = await on.model.bodies();
  assert.deepEqual(messages.map((message) => message.content), ['Be brief.', 'Hello']);
});

test('instructions are not inherited', async () => {
  const first = await respond({ instructions: 'Be brief.' });
  await respond({ previous_response_id: first.id });
  const [, { messages }] = await on.model.bodies();
  assert.ok(messages.every((message) => message.content !== 'Be brief.'));
});

test('the output is input again as it is', async () => {
  await on.model.script(says('The fox is red.'));
  const first = await respond({ store: false });
  await respond({ input: [...first.output, { role: 'user', content: 'Why?' }] });
  const [, { messages }] = await on.model.bodies();
  assert.deepEqual(messages.map((message) => message.content), ['The fox is red.', 'Why?']);
});

test('a deleted response is not found', async () => {
  const { id } = await respond();
  await on.client.responses.delete(id);
  await assert.rejects(on.client.responses.retrieve(id), OpenAI.NotFoundError);
});

test('what is not to be stored is not found', async () => {
  const { id } = await respond({ store: false });
  await assert.rejects(on.client.responses.retrieve(id), OpenAI.NotFoundError);
});

test('pages of input items have no gaps', async () => {
  const input = [0, 1, 2, 3, 4].map((number) => ({ role: 'user', content: `Part ${number}` }));
  const { id } = await respond({ input });
  const items = await all(on.client.responses.inputItems.list(id, { limit: 2, order: 'asc' }));
  assert.deepEqual(texts(items), ['Part 0', 'Part 1', 'Part 2', 'Part 3', 'Part 4']);
});

test('more input counts more tokens', async () => {
  const count = async (input) => (await on.client.responses.inputTokens.count({ model: 'demo', input })).input_tokens;
  const [few, more] = [await count('Hello'), await count('Hello to all of you')];
  assert.ok(0 < few && few < more, `${few} ${more}`);
});
