"""Creating responses: what the caller gets, and what the model is sent."""

import asyncio
import re

import pytest

from scripts import reasoning, refusal, say, says, text


def test_the_text_of_the_model_is_the_output_text(client, model, served):
    model.script(says("Good ", "day"))
    response = client.responses.create(model=served, input="Hello")
    assert (response.status, response.output_text) == ("completed", "Good day")


@pytest.mark.anyio
async def test_the_asynchronous_client_gets_the_same(async_client, model, served):
    model.script(says("Good ", "day"))
    response = await async_client.responses.create(model=served, input="Hello")
    assert (response.status, response.output_text) == ("completed", "Good day")


def test_the_demo_model_answers_without_a_script(client, served):
    response = client.responses.create(model=served, input="Hello from Python")
    assert response.output_text.endswith("You said: Hello from Python")


def test_ids_are_minted_here_and_not_the_upstreams(client, served):
    response = client.responses.create(model=served, input="Hello")
    assert re.fullmatch("resp_[0-9a-f]{48}", response.id)
    assert re.fullmatch("msg_[0-9a-f]{48}", response.output[0].id)


def test_every_key_is_there_with_its_default(client, served):
    raw = client.responses.with_raw_response.create(model=served, input="Hello").http_response.json()
    defaults = {
        "object": "response", "error": None, "incomplete_details": None, "instructions": None, "conversation": None,
        "previous_response_id": None, "prompt": None, "max_output_tokens": None, "max_tool_calls": None, "top_p": 1.0,
        "parallel_tool_calls": True, "temperature": 1.0, "presence_penalty": 0.0, "frequency_penalty": 0.0,
        "top_logprobs": 0, "truncation": "disabled", "reasoning": {"effort": None, "summary": None}, "user": None,
        "text": {"format": {"type": "text"}, "verbosity": "medium"}, "tool_choice": "auto", "tools": [], "store": True,
        "background": False, "metadata": {}, "safety_identifier": None, "prompt_cache_key": None, "moderation": None,
        "prompt_cache_retention": None, "service_tier": "default",
    }
    assert {key: raw.get(key, "absent") for key in defaults} == defaults


def test_the_id_is_the_first_key(client):
    raw = client.responses.with_raw_response.create(model="demo", input="Hello")
    assert raw.text.startswith('{"id":"resp_')


def test_a_completed_response_says_when(client, served):
    response = client.responses.create(model=served, input="Hello")
    assert response.completed_at >= response.created_at > 1_700_000_000


def test_the_request_id_is_given(client):
    assert client.responses.create(model="demo", input="Hello")._request_id


def test_replies_have_the_headers_of_openai(client):
    headers = client.responses.with_raw_response.create(model="demo", input="Hello").headers
    assert (headers.get("openai-version"), "openai-processing-ms" in headers) == ("2020-10-01", True)


def test_instructions_come_in_front_of_the_input(client, model):
    client.responses.create(model="demo", instructions="Be brief.", input="Hello")
    [system, user] = model.requests()[0].json["messages"]
    assert (system["role"] in ("system", "developer"), system["content"]) == (True, "Be brief.")
    assert user == {"role": "user", "content": "Hello"}


def test_instructions_are_echoed(client, served):
    assert client.responses.create(model=served, instructions="Be brief.", input="Hello").instructions == "Be brief."


def test_items_reach_the_model_in_order(client, model):
    said = [("user", "One"), ("assistant", "Two"), ("user", "Three")]
    client.responses.create(model="demo", input=[{"role": role, "content": content} for role, content in said])
    assert [(m["role"], m["content"]) for m in model.requests()[0].json["messages"]] == said


def test_an_image_reaches_the_model(client, model):
    image = {"type": "input_image", "image_url": "data:image/png;base64,AAAA", "detail": "low"}
    client.responses.create(model="demo", input=[{"role": "user", "content": [image]}])
    [part] = model.requests()[0].json["messages"][0]["content"]
    assert part == {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA", "detail": "low"}}


def test_sampling_is_sent_only_when_it_is_given(client, model, served):
    client.responses.create(model=served, input="Hello")
    client.responses.create(model=served, input="Hello", temperature=0.5, top_p=0.25)
    sent = [(request.json.get("temperature"), request.json.get("top_p")) for request in model.requests()]
    assert sent == [(None, None), (0.5, 0.25)]


def test_effort_reaches_the_model_in_its_format(client, model, served):
    client.responses.create(model=served, input="Hello", reasoning={"effort": "low"})
    sent = model.requests()[0].json
    assert (sent.get("reasoning_effort") or sent["reasoning"]["effort"]) == "low"


def test_the_bound_on_the_output_reaches_the_model(client, model, served):
    client.responses.create(model=served, input="Hello", max_output_tokens=100)
    sent = model.requests()[0].json
    assert [sent[name] for name in ("max_tokens", "max_completion_tokens", "max_output_tokens") if name in sent] == [100]


def test_what_names_the_user_is_echoed(client, served):
    names = {"user": "u1", "safety_identifier": "s1", "prompt_cache_key": "p1"}
    echo = client.responses.create(model=served, input="Hello", **names).to_dict()
    assert {name: echo[name] for name in names} == names


@pytest.mark.anyio
async def test_answers_to_many_at_a_time_are_not_mixed_up(async_client):
    words = [f"Hello number {number}." for number in range(32)]
    answers = await asyncio.gather(*(async_client.responses.create(model="demo", input=said) for said in words))
    assert [answer.output_text.partition("You said: ")[2] for answer in answers] == words


def test_usage_is_what_the_model_counted(client, model, served):
    model.script(say(text("Good day"), usage={"exact": {"input": 10, "output": 4}}))
    usage = client.responses.create(model=served, input="Hello").usage
    assert (usage.input_tokens, usage.output_tokens, usage.total_tokens) == (10, 4, 14)


def test_usage_is_estimated_where_the_model_counts_nothing(client, model, served):
    model.script(say(text("Good day"), usage="absent"))
    usage = client.responses.create(model=served, input="Hello").usage
    assert usage.total_tokens == usage.input_tokens + usage.output_tokens > usage.output_tokens > 0


def test_metadata_comes_back(client, served):
    assert client.responses.create(model=served, input="Hello", metadata={"a": "b"}).metadata == {"a": "b"}


@pytest.mark.parametrize(("finish", "reason"), [("length", "max_output_tokens"), ("content_filter", "content_filter")])
def test_a_cut_answer_is_incomplete(client, model, served, finish, reason):
    model.script(say(text("Good"), finish=finish))
    response = client.responses.create(model=served, input="Hello")
    outcome = (response.status, response.incomplete_details.reason, response.output[0].status, response.completed_at)
    assert outcome == ("incomplete", reason, "incomplete", None)


def test_a_refusal_is_a_part_of_the_message(client, model, served):
    model.script(say(refusal("I ", "will not")))
    [message] = client.responses.create(model=served, input="Hello").output
    assert [(part.type, part.refusal) for part in message.content] == [("refusal", "I will not")]


def test_visible_reasoning_is_an_item_before_the_message(client, model, served):
    model.script(say(reasoning("Let ", "me see"), text("Good day")))
    [thought, message] = client.responses.create(model=served, input="Hello").output
    assert [part.text for part in thought.content] == ["Let me see"]
    assert message.content[0].text == "Good day"


def test_thinking_in_the_text_is_cut_out(client, model):
    model.script(says("<thi", "nk>Let me see</th", "ink>Good day"))
    [thought, message] = client.responses.create(model="demo", input="Hello").output
    assert (thought.content[0].text, message.content[0].text) == ("Let me see", "Good day")


def test_more_input_counts_more_tokens(client):
    count = client.responses.input_tokens.count
    few, more = (count(model="demo", input=words).input_tokens for words in ("Hello", "Hello to all of you"))
    assert 0 < few < more


def test_counting_tokens_asks_no_model(client, model):
    client.responses.input_tokens.count(model="demo", input="Hello")
    assert model.requests() == []
