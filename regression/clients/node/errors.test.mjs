// Mistakes and faults as the SDK's errors, with code and param.

import assert from 'node:assert/strict';
import test from 'node:test';

import OpenAI from 'openai';

import { refuses } from './model-server.mjs';
import { SERVED, stage } from './stage.mjs';

const on = stage();
const UNKNOWN = `resp_${'0'.repeat(48)}`;
const respond = (fields) => on.client.responses.create({ model: 'demo', input: 'Hello', ...fields });

/** The error that a call rejects with, as class, code and param. */
async function refused(promise, kind, code, param) {
  await assert.rejects(promise, (error) => {
    assert.deepEqual([error.constructor.name, error.code, error.param], [kind.name, code, param], error.message);
    return true;
  });
}

const MISTAKES = [
  ['no model', { model: undefined }, 'missing_required_parameter', 'model'],
  ['input of a wrong type', { input: 7 }, 'invalid_type', 'input'],
  ['temperature too high', { temperature: 3 }, 'decimal_above_max_value', 'temperature'],
  ['unknown tool', { tools: [{ type: 'teleport' }] }, 'invalid_value', 'tools[0].type'],
  ['unknown include', { include: ['everything'] }, 'invalid_value', 'include[0]'],
  ['unknown chain', { previous_response_id: UNKNOWN }, 'previous_response_not_found', 'previous_response_id'],
];

for (const [name, fields, code, param] of MISTAKES) {
  for (const stream of [false, true]) {
    test(`a mistake is a bad request that names it (${name}, ${stream ? 'streamed' : 'buffered'})`, () =>
      refused(respond({ ...fields, stream }), OpenAI.BadRequestError, code, param));
  }
}

test('an unknown model is not found', () =>
  refused(respond({ model: 'nobody' }), OpenAI.NotFoundError, 'model_not_found', 'model'));

test('an unknown response is not found', () =>
  refused(on.client.responses.retrieve(UNKNOWN), OpenAI.NotFoundError, null, null));

test('an unknown path is named', async () => {
  await assert.rejects(on.client.fineTuning.jobs.list(), (error) => {
    assert.deepEqual([error.status, error.error.message], [404, 'Invalid URL (GET /v1/fine_tuning/jobs)']);
    return true;
  });
});

test('an error has the id of its request', async () => {
  await assert.rejects(respond({ temperature: 3 }), (error) => {
    assert.ok(error.requestID);
    return true;
  });
});

for (const model of SERVED) {
  test(`a refusal of the model keeps its words (${model})`, async () => {
    await on.model.script(refuses(400, { message: 'This model has no eyes.', type: 'invalid_request_error' }));
    await assert.rejects(respond({ model }), (error) => {
      assert.deepEqual([error.status, error.error.message], [400, 'This model has no eyes.']);
      return true;
    });
  });

  test(`a broken provider is a server error (${model})`, async () => {
    await on.model.script(refuses(500, { message: 'the secret of the upstream', type: 'server_error' }));
    await assert.rejects(respond({ model }), (error) => {
      assert.deepEqual([error.constructor.name, error.status, error.type], ['InternalServerError', 502, 'server_error']);
      return true;
    });
  });
}
