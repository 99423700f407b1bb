// Embeddings in both formats, and the list of models.

import assert from 'node:assert/strict';
import test from 'node:test';

import OpenAI from 'openai';

import { all, stage } from './stage.mjs';

const on = stage();

async function vectors(fields) {
  const body = { model: 'embed', input: ['a fox', 'a hen'], ...fields };
  return (await on.client.embeddings.create(body)).data.map((row) => Array.from(row.embedding));
}

test('the default of the SDK gives the same floats', async () => {
  const [decoded, floats] = [await vectors(), await vectors({ encoding_format: 'float' })];
  const difference = decoded.flat().map((value, place) => Math.abs(value - floats.flat()[place]));
  assert.ok(difference.length === 16 && Math.max(...difference) < 1e-6, `${decoded} ${floats}`);
});

test('dimensions are those that were asked for', async () => {
  assert.deepEqual((await vectors({ dimensions: 4 })).map((vector) => vector.length), [4, 4]);
});

test('lists of tokens are inputs', async () => {
  assert.equal((await vectors({ input: [[15339, 11], [1917]] })).length, 2);
});

test('an empty input is refused', () => assert.rejects(vectors({ input: [] }), OpenAI.BadRequestError));

test('models are listed', async () => {
  const names = (await all(on.client.models.list())).map((model) => model.id);
  assert.deepEqual(names.sort(), ['demo', 'embed', 'native', 'team/demo']);
});

for (const name of ['demo', 'team/demo', 'fake@demo']) {
  test(`a model is read by its name (${name})`, async () => {
    assert.equal((await on.client.models.retrieve(name)).id, name);
  });
}

test('a model that nobody knows is not found', () =>
  assert.rejects(on.client.models.retrieve('nobody'), OpenAI.NotFoundError));
