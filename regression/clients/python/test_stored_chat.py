"""Chat completions that are kept: reading, listing, changing, deleting them."""

import uuid

import openai
import pytest

HELLO = [{"role": "user", "content": "Hello"}]


@pytest.fixture
def mark():
    """Metadata that no other test has."""
    return {"mark": uuid.uuid4().hex}


def stored(client, mark, served="demo", messages=HELLO):
    return client.chat.completions.create(model=served, messages=messages, store=True, metadata=mark)


def streamed(client, mark, served):
    options = {"store": True, "metadata": mark, "stream": True}
    with client.chat.completions.create(model=served, messages=HELLO, **options) as chunks:
        first, *_ = chunks
    return first.id


def test_what_was_created_is_what_is_read(client, mark, served):
    created = stored(client, mark, served)
    read = client.chat.completions.retrieve(created.id)
    assert (read.choices, read.usage, read.metadata) == (created.choices, created.usage, mark)


def test_a_streamed_completion_is_read_whole(client, mark, served):
    read = client.chat.completions.retrieve(streamed(client, mark, served))
    assert (read.choices[0].message.content.endswith("You said: Hello"), read.metadata) == (True, mark)


def test_what_is_not_to_be_stored_is_not_found(client):
    created = client.chat.completions.create(model="demo", messages=HELLO)
    with pytest.raises(openai.NotFoundError):
        client.chat.completions.retrieve(created.id)


def test_a_list_is_filtered_by_metadata(client, mark):
    created = stored(client, mark)
    stored(client, {"mark": "another"})
    assert [one.id for one in client.chat.completions.list(metadata=mark)] == [created.id]


@pytest.mark.parametrize("order", ["asc", "desc"])
def test_pages_of_a_list_have_no_gaps(client, mark, order):
    ids = [stored(client, mark).id for _ in range(3)]
    listed = [one.id for one in client.chat.completions.list(metadata=mark, limit=2, order=order)]
    assert (len(listed), sorted(listed)) == (3, sorted(ids))


def test_a_list_is_filtered_by_model(client, mark):
    created = stored(client, mark, "fake@other")
    stored(client, mark, "demo")
    assert [one.id for one in client.chat.completions.list(metadata=mark, model=created.model)] == [created.id]


def test_a_cursor_that_names_nothing_is_not_found(client):
    with pytest.raises(openai.NotFoundError) as caught:
        client.chat.completions.list(after="chatcmpl-nobody")
    assert caught.value.param == "after"


def test_metadata_can_be_changed(client, mark):
    created = stored(client, mark)
    client.chat.completions.update(created.id, metadata={"k": "w"})
    assert client.chat.completions.retrieve(created.id).metadata == {"k": "w"}


def test_a_deleted_completion_says_so(client, mark):
    created = stored(client, mark)
    deleted = client.chat.completions.delete(created.id)
    assert (deleted.id, deleted.deleted) == (created.id, True)


def test_a_deleted_completion_is_not_found(client, mark):
    created = stored(client, mark)
    client.chat.completions.delete(created.id)
    with pytest.raises(openai.NotFoundError):
        client.chat.completions.retrieve(created.id)


def messages_of(client, created):
    """Raw, because the SDK types these messages as the assistant's."""
    return client.chat.completions.messages.with_raw_response.list(created.id).http_response.json()["data"]


def test_messages_are_those_of_the_request_in_order(client, mark):
    said = [("system", "Be brief."), ("user", "Hello")]
    created = stored(client, mark, messages=[{"role": role, "content": content} for role, content in said])
    assert [(message["role"], message["content"]) for message in messages_of(client, created)] == said


def test_messages_have_ids_of_their_own(client, mark):
    created = stored(client, mark, messages=[*HELLO, {"role": "user", "content": "And?"}])
    assert len({message["id"] for message in messages_of(client, created)}) == 2


@pytest.mark.anyio
async def test_the_asynchronous_client_reads_what_it_stored(async_client, mark):
    created = await async_client.chat.completions.create(model="demo", messages=HELLO, store=True, metadata=mark)
    read = await async_client.chat.completions.retrieve(created.id)
    assert read.choices == created.choices
