// Chat Completions: plain, streamed, with the SDK's helpers and runners, and stored.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import test from 'node:test';

import OpenAI from 'openai';

import { call, cut, say, says } from './model-server.mjs';
import { SERVED, all, stage } from './stage.mjs';

const on = stage();
const HELLO = [{ role: 'user', content: 'Hello' }];
const QUESTION = [{ role: 'user', content: 'How is the weather in Paris?' }];
const completions = () => on.client.chat.completions;
const chat = (fields) => completions().create({ model: 'demo', messages: HELLO, ...fields });
const contents = (chunks) => chunks.map((chunk) => chunk.choices[0]?.delta.content ?? '').join('');

/** A function that the SDK's runners call by themselves. */
const weather = (seen) => ({
  type: 'function',
  function: {
    name: 'get_weather',
    description: 'The weather in a city.',
    parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
    parse: JSON.parse,
    function: ({ city }) => {
      seen.push(city);
      return `22 degrees in ${city}`;
    },
  },
});

for (const model of SERVED) {
  test(`the model answers (${model})`, async () => {
    await on.model.script(says('Good ', 'day'));
    const [{ message, finish_reason }] = (await chat({ model })).choices;
    assert.deepEqual([message.role, message.content, finish_reason], ['assistant', 'Good day', 'stop']);
  });

  test(`a stream says the same in chunks (${model})`, async () => {
    await on.model.script(says('Good ', 'day'));
    assert.equal(contents(await all(await chat({ model, stream: true }))), 'Good day');
  });

  test(`usage is the last chunk where it is wanted (${model})`, async () => {
    const chunks = await all(await chat({ model, stream: true, stream_options: { include_usage: true } }));
    assert.deepEqual([chunks.at(-1).choices, chunks.at(-1).usage.total_tokens > 0], [[], true]);
  });

  test(`the helper gives the final content (${model})`, async () => {
    await on.model.script(says('Good ', 'day'));
    assert.equal(await completions().stream({ model, messages: HELLO }).finalContent(), 'Good day');
  });

  test(`the helper shows the content so far (${model})`, async () => {
    await on.model.script(says('Good ', 'day'));
    const snapshots = [];
    const stream = completions().stream({ model, messages: HELLO });
    await stream.on('content', (_, snapshot) => snapshots.push(snapshot)).done();
    assert.deepEqual(snapshots, ['Good ', 'Good day']);
  });

  test(`the helper puts a call together (${model})`, async () => {
    await on.model.script(say(call('get_weather', { city: 'Rome' })));
    const stream = completions().stream({ model, messages: HELLO, tools: [weather([])] });
    const { name, arguments: args } = await stream.finalFunctionToolCall();
    assert.deepEqual([name, args], ['get_weather', '{"city":"Rome"}']);
  });

  for (const stream of [false, true]) {
    const how = `${model}, ${stream ? 'streamed' : 'buffered'}`;
    test(`the runner calls the function and gives the model its answer (${how})`, async () => {
      const seen = [];
      const runner = completions().runTools({ model, messages: QUESTION, tools: [weather(seen)], stream });
      assert.equal(await runner.finalContent(), 'The tool answered: 22 degrees in Paris');
      assert.deepEqual(seen, ['Paris']);
    });

    test(`a tool of the server leaves one completion (${how})`, async () => {
      await on.model.script(say(call('think', { thought: 'Hm' })), says('Well ', 'thought'));
      const reply = await chat({ model, tools: [{ type: 'think' }], stream });
      const text = stream ? contents(await all(reply)) : reply.choices[0].message.content;
      assert.equal(text, 'Well thought');
    });
  }

  test(`a stream that is left ends the call of the model (${model})`, async () => {
    const { aborted } = await on.model.counts();
    await on.model.script(cut('stall', 'Good ', 'day'));
    for await (const chunk of await chat({ model, stream: true })) if (contents([chunk])) break;
    await on.model.until((counts) => counts.aborted === aborted + 1 && counts.open === 0);
    assert.equal((await on.model.bodies()).length, 1);
  });

  test(`a stored completion can be read (${model})`, async () => {
    const { id, choices } = await chat({ model, store: true });
    assert.deepEqual((await completions().retrieve(id)).choices, choices);
  });
}

test('a list is filtered by metadata', async () => {
  const metadata = { mark: randomUUID() };
  const { id } = await chat({ store: true, metadata });
  await chat({ store: true, metadata: { mark: 'another' } });
  assert.deepEqual((await all(completions().list({ metadata }))).map((one) => one.id), [id]);
});

test('metadata can be changed', async () => {
  const { id } = await chat({ store: true, metadata: { k: 'v' } });
  await completions().update(id, { metadata: { k: 'w' } });
  assert.deepEqual((await completions().retrieve(id)).metadata, { k: 'w' });
});

test('messages are those of the request', async () => {
  const { id } = await chat({ store: true });
  const messages = await all(completions().messages.list(id));
  assert.deepEqual(messages.map((message) => message.content), ['Hello']);
});

test('a deleted completion is not found', async () => {
  const { id } = await chat({ store: true });
  await completions().delete(id);
  await assert.rejects(completions().retrieve(id), OpenAI.NotFoundError);
});
