// Streams of Responses: their laws, the SDK's helper, and how they end early.

import assert from 'node:assert/strict';
import test from 'node:test';

import OpenAI from 'openai';

import { call, cut, refuses, say, says } from './model-server.mjs';
import { SERVED, all, stage } from './stage.mjs';

const on = stage();
const tools = [{ type: 'function', name: 'get_weather', parameters: { type: 'object', properties: {} }, strict: false }];
const open = (model) => on.client.responses.create({ model, input: 'Hello', tools, stream: true });
const helper = (model) => on.client.responses.stream({ model, input: 'Hello', tools });
const TEXT_AND_CALL = say({ text: ['Good ', 'day'] }, call('get_weather', { city: 'Rome' }));
const TERMINAL = ['response.completed', 'response.incomplete', 'response.failed'];

for (const model of SERVED) {
  test(`numbers have no gaps (${model})`, async () => {
    await on.model.script(TEXT_AND_CALL);
    const events = await all(await open(model));
    assert.deepEqual(events.map((event) => event.sequence_number), [...events.keys()]);
  });

  test(`there is one end and it is the last event (${model})`, async () => {
    await on.model.script(TEXT_AND_CALL);
    const kinds = (await all(await open(model))).map((event) => event.type);
    assert.deepEqual(kinds.filter((kind) => TERMINAL.includes(kind)), kinds.slice(-1));
  });

  test(`each item is added before it is done, under one id (${model})`, async () => {
    await on.model.script(TEXT_AND_CALL);
    const events = await all(await open(model));
    const ids = (kind) => events.filter((event) => event.type === kind).map((event) => event.item.id);
    const [added, done] = [ids('response.output_item.added'), ids('response.output_item.done')];
    assert.deepEqual([added.length, done], [2, added]);
  });

  test(`deltas are the text (${model})`, async () => {
    await on.model.script(TEXT_AND_CALL);
    const events = await all(await open(model));
    const deltas = events.filter((event) => event.type.endsWith('.delta')).map((event) => event.delta);
    assert.deepEqual(deltas, ['Good ', 'day', '{"city":', '"Rome"}']);
  });

  test(`the end holds what was done (${model})`, async () => {
    await on.model.script(TEXT_AND_CALL);
    const events = await all(await open(model));
    const done = events.filter((event) => event.type === 'response.output_item.done').map((event) => event.item);
    assert.deepEqual(events.at(-1).response.output, done);
  });

  test(`the helper gives the final response (${model})`, async () => {
    await on.model.script(says('Good ', 'day'));
    assert.equal((await helper(model).finalResponse()).output_text, 'Good day');
  });

  test(`the helper shows the text so far (${model})`, async () => {
    await on.model.script(says('Good ', 'day'));
    const snapshots = [];
    const stream = helper(model).on('response.output_text.delta', (event) => snapshots.push(event.snapshot));
    await stream.finalResponse();
    assert.deepEqual(snapshots, ['Good ', 'Good day']);
  });

  test(`the helper shows the arguments so far (${model})`, async () => {
    await on.model.script(TEXT_AND_CALL);
    const snapshots = [];
    const record = (event) => snapshots.push(event.snapshot);
    await helper(model).on('response.function_call_arguments.delta', record).finalResponse();
    assert.deepEqual(snapshots, ['{"city":', '{"city":"Rome"}']);
  });

  test(`a cut upstream is an error after what came (${model})`, async () => {
    await on.model.script(cut('fin', 'Good ', 'day'));
    const deltas = [];
    const read = async () => {
      for await (const event of await open(model)) if (event.type.endsWith('.delta')) deltas.push(event.delta);
    };
    await assert.rejects(read, OpenAI.APIError);
    assert.deepEqual(deltas, ['Good ']);
  });

  test(`an error in a stream has type and message (${model})`, async () => {
    await on.model.script(refuses(400, { message: 'This model has no eyes.', type: 'invalid_request_error' }));
    const read = async () => all(await open(model));
    await assert.rejects(read, (error) => {
      assert.deepEqual([error.type, error.error.message], ['invalid_request_error', 'This model has no eyes.']);
      return true;
    });
  });

  test(`the helper rejects with what broke the stream (${model})`, async () => {
    await on.model.script(cut('fin', 'Good ', 'day'));
    await assert.rejects(helper(model).finalResponse(), OpenAI.APIError);
  });

  test(`a stream that is left ends the call of the model (${model})`, async () => {
    const { aborted } = await on.model.counts();
    await on.model.script(cut('stall', 'Good ', 'day'));
    for await (const event of await open(model)) if (event.type.endsWith('.delta')) break;
    await on.model.until((counts) => counts.aborted === aborted + 1 && counts.open === 0);
    assert.equal((await on.model.bodies()).length, 1);
  });

  test(`a helper that is aborted ends the call of the model (${model})`, async () => {
    const { aborted } = await on.model.counts();
    await on.model.script(cut('stall', 'Good ', 'day'));
    const stream = helper(model);
    stream.on('response.output_text.delta', () => stream.abort());
    await assert.rejects(stream.done(), OpenAI.APIUserAbortError);
    await on.model.until((counts) => counts.aborted === aborted + 1 && counts.open === 0);
  });
}
