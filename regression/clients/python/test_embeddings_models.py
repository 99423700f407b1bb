"""Embeddings in every form of input and output, and the list of models."""

import openai
import pytest

WORDS = ["a fox", "a hen"]


def vectors(client, **fields):
    reply = client.embeddings.create(**{"model": "embed", "input": WORDS, "encoding_format": "float", **fields})
    return [row.embedding for row in reply.data]


def test_floats_are_as_many_as_the_model_makes(client):
    assert [len(vector) for vector in vectors(client)] == [8, 8]


def test_the_default_of_the_sdk_gives_the_same_floats(client, lenient_client):
    reply = lenient_client.embeddings.create(model="embed", input=WORDS)
    assert [row.embedding for row in reply.data] == [pytest.approx(vector, abs=1e-6) for vector in vectors(client)]


@pytest.mark.anyio
async def test_the_asynchronous_client_gets_the_same_floats(async_client, client):
    reply = await async_client.embeddings.create(model="embed", input=WORDS, encoding_format="float")
    assert [row.embedding for row in reply.data] == [pytest.approx(vector, abs=1e-6) for vector in vectors(client)]


def test_rows_are_in_the_order_of_the_input(client):
    reply = client.embeddings.create(model="embed", input=WORDS, encoding_format="float")
    alone = vectors(client, input=WORDS[1])
    assert ([row.index for row in reply.data], reply.data[1].embedding) == ([0, 1], pytest.approx(alone[0], abs=1e-6))


TOKENS = [[15339, 11], [1917]]


def test_tokens_are_forwarded_to_openai(client, model):
    vectors(client, model="openai@embed", input=TOKENS)
    assert model.requests()[0].json["input"] == TOKENS


def test_tokens_are_texts_for_others(client, model):
    vectors(client, input=TOKENS)
    assert model.requests()[0].json["input"] == ["hello,", " world"]


def test_each_list_of_tokens_is_one_input(client):
    assert len(vectors(client, input=TOKENS)) == 2


def test_one_list_of_tokens_is_one_input(client):
    assert len(vectors(client, input=[15339, 11])) == 1


def test_dimensions_are_those_that_were_asked_for(client):
    assert [len(vector) for vector in vectors(client, dimensions=4)] == [4, 4]


def test_usage_counts_the_input(client):
    usage = client.embeddings.create(model="embed", input=WORDS, encoding_format="float").usage
    assert (usage.prompt_tokens, usage.total_tokens) == (4, 4)


@pytest.mark.parametrize("empty", ["", []], ids=["text", "list"])
def test_an_empty_input_is_refused(client, empty):
    with pytest.raises(openai.BadRequestError) as caught:
        client.embeddings.create(model="embed", input=empty, encoding_format="float")
    assert caught.value.param == "input"


def test_an_unknown_embedding_model_is_not_found(client):
    with pytest.raises(openai.NotFoundError) as caught:
        client.embeddings.create(model="nobody", input="Hello", encoding_format="float")
    assert caught.value.code == "model_not_found"


NAMES = ["demo", "smart", "native", "smart-native", "team/demo", "team/other", "embed", "small-embed"]


def test_models_and_their_aliases_are_listed(client):
    assert sorted(model.id for model in client.models.list()) == sorted(NAMES)


def test_listing_models_asks_no_provider(client, model):
    client.models.list()
    assert model.requests() == []


@pytest.mark.anyio
async def test_the_asynchronous_client_lists_models(async_client):
    assert sorted([model.id async for model in async_client.models.list()]) == sorted(NAMES)


@pytest.mark.parametrize("name", [*NAMES, "fake@demo", "fake@some/model@v2"])
def test_a_model_is_read_by_its_name(client, name):
    assert client.models.retrieve(name).id == name


@pytest.mark.parametrize("name", ["nobody", "team/nobody", "nobody@demo"])
def test_a_model_that_nobody_knows_is_not_found(client, name):
    with pytest.raises(openai.NotFoundError) as caught:
        client.models.retrieve(name)
    assert caught.value.code == "model_not_found"


def test_models_are_not_deleted_here(client):
    with pytest.raises(openai.PermissionDeniedError):
        client.models.delete("demo")


@pytest.mark.parametrize(
    ("name", "upstream"),
    [("smart", "demo"), ("team/other", "team-demo"), ("fake@some/model@v2", "some/model@v2"), ("FAKE@demo", "demo")],
)
def test_a_name_leads_to_its_upstream_model(client, model, name, upstream):
    client.responses.create(model=name, input="Hello")
    assert model.requests()[0].json["model"] == upstream


def test_the_header_names_the_provider(client, model):
    client.responses.create(model="llama", input="Hello", extra_headers={"x-model-provider": "fake"})
    assert model.requests()[0].json["model"] == "llama"
