"""What is kept of responses: chains, reading, deleting, their input items."""

import openai
import pytest

from scripts import call, reasoning, say, says, text
from tools import function, output_of


def contents(request):
    return [message["content"] for message in request.json["messages"]]


def texts(items):
    return [item.content[0].text for item in items]


def test_a_chain_gives_the_model_every_turn_in_order(client, model):
    previous = None
    for number in range(3):
        model.script(says(f"Answer {number}"))
        turn = {"model": "demo", "input": f"Question {number}", "previous_response_id": previous}
        previous = client.responses.create(**turn).id
    assert contents(model.requests()[2]) == ["Question 0", "Answer 0", "Question 1", "Answer 1", "Question 2"]


def test_a_chain_over_a_native_provider_gives_it_the_items(client, model):
    model.script(says("Answer"))
    first = client.responses.create(model="native", input="One")
    client.responses.create(model="native", input="Two", previous_response_id=first.id)
    sent = model.requests()[1].json["input"]
    assert [item["content"] if isinstance(item["content"], str) else item["content"][0]["text"] for item in sent] == [
        "One", "Answer", "Two",
    ]


def test_a_native_provider_keeps_nothing(client, model):
    first = client.responses.create(model="native", input="One")
    client.responses.create(model="native", input="Two", previous_response_id=first.id)
    sent = [request.json for request in model.requests()]
    assert [(body["store"], "previous_response_id" in body) for body in sent] == [(False, False)] * 2


def test_a_native_provider_is_asked_for_the_reasoning_that_nobody_else_keeps(client, model):
    client.responses.create(model="native", input="One")
    assert model.requests()[0].json.get("include") == ["reasoning.encrypted_content"]


def test_two_turns_can_continue_from_one_response(client, model):
    model.script(says("Answer"))
    first = client.responses.create(model="demo", input="One")
    for words in ("Left", "Right"):
        client.responses.create(model="demo", input=words, previous_response_id=first.id)
    assert [contents(request) for request in model.requests()[1:]] == [["One", "Answer", "Left"], ["One", "Answer", "Right"]]


def test_a_turn_names_the_one_before(client):
    first = client.responses.create(model="demo", input="One")
    second = client.responses.create(model="demo", input="Two", previous_response_id=first.id)
    assert second.previous_response_id == first.id


def test_instructions_are_not_inherited(client, model):
    first = client.responses.create(model="demo", input="One", instructions="Be brief.")
    client.responses.create(model="demo", input="Two", previous_response_id=first.id)
    assert "Be brief." not in contents(model.requests()[1])


def test_what_was_created_is_what_is_read(client, served):
    created = client.responses.create(model=served, input="Hello", metadata={"a": "b"})
    assert client.responses.retrieve(created.id).to_dict() == created.to_dict()


@pytest.mark.anyio
async def test_the_asynchronous_client_reads_what_it_created(async_client):
    created = await async_client.responses.create(model="demo", input="Hello")
    assert (await async_client.responses.retrieve(created.id)).to_dict() == created.to_dict()


def test_a_deleted_response_is_not_found(client):
    created = client.responses.create(model="demo", input="Hello")
    client.responses.delete(created.id)
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(created.id)


def test_a_second_delete_finds_nothing(client):
    created = client.responses.create(model="demo", input="Hello")
    client.responses.delete(created.id)
    with pytest.raises(openai.NotFoundError):
        client.responses.delete(created.id)


def test_what_is_not_to_be_stored_is_not_found(client):
    created = client.responses.create(model="demo", input="Hello", store=False)
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(created.id)


def test_what_is_not_to_be_stored_is_not_continued(client):
    created = client.responses.create(model="demo", input="Hello", store=False)
    with pytest.raises(openai.BadRequestError) as caught:
        client.responses.create(model="demo", input="And?", previous_response_id=created.id)
    assert caught.value.code == "previous_response_not_found"


def test_metadata_comes_back_from_what_is_not_stored(client):
    response = client.responses.create(model="demo", input="Hello", store=False, metadata={"a": "b"})
    assert (response.store, response.metadata) == (False, {"a": "b"})


def five_parts(client):
    parts = [{"role": "user", "content": f"Part {number}"} for number in range(5)]
    return client.responses.create(model="demo", input=parts)


@pytest.mark.parametrize(("order", "numbers"), [("asc", [0, 1, 2, 3, 4]), ("desc", [4, 3, 2, 1, 0])])
def test_pages_of_input_items_have_no_gaps(client, order, numbers):
    pages = client.responses.input_items.list(five_parts(client).id, limit=2, order=order)
    assert texts(pages) == [f"Part {number}" for number in numbers]


def test_a_page_of_input_items_holds_no_more_than_its_limit(client):
    page = client.responses.input_items.list(five_parts(client).id, limit=2)
    assert (texts(page.data), page.has_more) == (["Part 4", "Part 3"], True)


def test_a_cursor_is_exclusive(client):
    response = five_parts(client)
    first = client.responses.input_items.list(response.id, limit=1, order="asc").data[0]
    after = client.responses.input_items.list(response.id, limit=1, order="asc", after=first.id).data
    assert texts(after) == ["Part 1"]


def test_a_plain_input_is_one_user_message(client):
    created = client.responses.create(model="demo", input="Hello")
    [item] = client.responses.input_items.list(created.id).data
    assert (item.type, item.role, item.status, item.content[0].to_dict()) == (
        "message", "user", "completed", {"type": "input_text", "text": "Hello"},
    )


def test_the_input_items_of_a_turn_are_its_context_without_its_output(client, model):
    model.script(says("A1"), says("A2"))
    first = client.responses.create(model="demo", input="Q1")
    second = client.responses.create(model="demo", input="Q2", previous_response_id=first.id)
    assert texts(client.responses.input_items.list(second.id, order="asc")) == ["Q1", "A1", "Q2"]


def test_a_limit_out_of_range_is_refused(client):
    created = client.responses.create(model="demo", input="Hello")
    with pytest.raises(openai.BadRequestError) as caught:
        client.responses.input_items.list(created.id, limit=101)
    assert caught.value.param == "limit"


def test_an_item_can_be_named_instead_of_repeated(client, model):
    model.script(says("The fox is red."))
    first = client.responses.create(model="demo", input="Tell me")
    reference = {"type": "item_reference", "id": first.output[0].id}
    client.responses.create(model="demo", input=[reference, {"role": "user", "content": "Why?"}])
    assert contents(model.requests()[1]) == ["The fox is red.", "Why?"]


def test_the_output_is_input_again_as_it_is(client, model):
    model.script(say(reasoning("Hm"), text("Let me see."), call("get_weather", {"city": "Rome"})))
    first = client.responses.create(model="demo", input="Tell me", tools=[function()], store=False)
    context = [*first.output, output_of(first.output[-1], "22 degrees")]
    second = client.responses.create(model="demo", input=context, tools=[function()])
    items = client.responses.input_items.list(second.id, order="asc").data
    assert [item.to_dict() for item in items[:3]] == [item.to_dict() for item in first.output]


def test_the_output_goes_back_to_the_model_as_one_message(client, model):
    model.script(say(text("Let me see."), call("get_weather", {"city": "Rome"})))
    first = client.responses.create(model="demo", input="Tell me", tools=[function()])
    outputs = [output_of(first.output[-1], "22 degrees")]
    client.responses.create(model="demo", input=outputs, previous_response_id=first.id, tools=[function()])
    [_, said, _] = model.requests()[1].json["messages"]
    assert (said["role"], said["content"], len(said["tool_calls"])) == ("assistant", "Let me see.", 1)
