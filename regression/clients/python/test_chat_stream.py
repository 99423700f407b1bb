"""Streams of Chat Completions, by hand and by the SDK's helper."""

import openai
import pytest

from scripts import call, cut, say, says, text
from tools import Plan, chat_function

HELLO = [{"role": "user", "content": "Hello"}]


def chat(client, served, **fields):
    return client.chat.completions.create(model=served, messages=HELLO, stream=True, **fields)


def contents(chunks):
    return "".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices)


def test_a_stream_says_the_same_in_chunks(client, model, served):
    model.script(says("Good ", "day"))
    with chat(client, served) as stream:
        assert [d for chunk in stream if (d := contents([chunk]))] == ["Good ", "day"]


def test_a_stream_is_of_one_completion(client, served):
    with chat(client, served) as stream:
        assert len({(chunk.id, chunk.created, chunk.model) for chunk in stream}) == 1


def test_a_stream_gives_the_role_first_and_the_reason_last(client, served):
    with chat(client, served) as stream:
        choices = [chunk.choices[0] for chunk in stream if chunk.choices]
    assert (choices[0].delta.role, choices[-1].finish_reason) == ("assistant", "stop")


def test_usage_is_the_last_chunk_where_it_is_wanted(client, model, served):
    model.script(say(text("Good day"), usage={"exact": {"input": 10, "output": 4}}))
    with chat(client, served, stream_options={"include_usage": True}) as stream:
        *others, last = stream
    assert (last.choices, last.usage.total_tokens, {chunk.usage for chunk in others}) == ([], 14, {None})


def test_usage_is_not_streamed_unless_it_is_wanted(client, served):
    with chat(client, served) as stream:
        assert all(chunk.choices and chunk.usage is None for chunk in stream)


@pytest.mark.anyio
async def test_the_asynchronous_client_gets_a_stream(async_client, model, served):
    model.script(says("Good ", "day"))
    stream = await chat(async_client, served)
    assert contents([chunk async for chunk in stream]) == "Good day"


def test_the_helper_gives_the_final_completion(client, model, served):
    model.script(says("Good ", "day"))
    with client.chat.completions.stream(model=served, messages=HELLO) as stream:
        assert stream.get_final_completion().choices[0].message.content == "Good day"


def test_the_helper_shows_the_content_so_far(client, model, served):
    model.script(says("Good ", "day"))
    with client.chat.completions.stream(model=served, messages=HELLO) as stream:
        snapshots = [event.snapshot for event in stream if event.type == "content.delta" and event.delta]
    assert snapshots == ["Good ", "Good day"]


def test_the_helper_reads_a_form(client, model, served):
    model.script(says('{"city": "Rome", ', '"days": 3}'))
    with client.chat.completions.stream(model=served, messages=HELLO, response_format=Plan) as stream:
        assert stream.get_final_completion().choices[0].message.parsed == Plan(city="Rome", days=3)


def test_a_streamed_call_is_put_together(client, model, served):
    model.script(say(call("get_weather", {"city": "Rome"}, pieces=3)))
    with client.chat.completions.stream(model=served, messages=HELLO, tools=[chat_function()]) as stream:
        [called] = stream.get_final_completion().choices[0].message.tool_calls
    assert (called.function.name, called.function.arguments) == ("get_weather", '{"city": "Rome"}')


def test_a_closed_stream_ends_the_call_of_the_model(client, model, served):
    before = model.counts()["aborted"]
    model.script(cut("Good ", "day", after=1, ending="stall"))
    with chat(client, served) as stream:
        next(chunk for chunk in stream if contents([chunk]))
    model.until(lambda counts: counts["aborted"] == before + 1)
    assert model.counts()["open"] == 0


def test_a_broken_stream_raises_after_what_came(client, model, served):
    model.script(cut("Good ", "day", after=1, ending="fin"))
    chunks = []
    with pytest.raises(openai.APIError):
        chunks.extend(chat(client, served))
    assert contents(chunks) == "Good "
