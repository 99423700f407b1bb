"""Streams of Responses: their laws, their order and their frames."""

import re

import pytest

import laws
from scripts import call, reasoning, refusal, say, says, text
from tools import function

SCRIPTS = {
    "text": says("Good ", "day", "."),
    "empty text": say(),
    "cut text": say(text("Good"), finish="length"),
    "reasoning": say(reasoning("Let me ", "see"), text("Good ", "day")),
    "refusal": say(refusal("I ", "will not")),
    "call": say(call("get_weather", {"city": "Rome"}, pieces=3)),
    "parallel calls": say(
        call("get_weather", {"city": "Rome"}, "call_1", pieces=2), call("get_weather", {"city": "Oslo"}, "call_2")
    ),
    "text and call": say(text("Let me ", "see."), call("get_weather", {"city": "Rome"})),
}


def events_of(client, model="demo", **fields):
    """The events as the SDK read them, as dictionaries of what was sent."""
    with client.responses.create(model=model, input="Hello", stream=True, **fields) as stream:
        return [event.to_dict() for event in stream]


def kinds(events):
    return [event["type"].removeprefix("response.") for event in events]


@pytest.mark.parametrize("law", laws.ALL, ids=lambda law: law.__name__)
@pytest.mark.parametrize("script", SCRIPTS)
def test_a_stream_is_lawful(client, model, served, script, law):
    model.script(SCRIPTS[script])
    law(events_of(client, served, tools=[function()]))


def test_the_events_of_a_text_have_their_order(client, model, served):
    model.script(says("Good ", "day"))
    assert kinds(events_of(client, served)) == [
        "created", "in_progress", "output_item.added", "content_part.added", "output_text.delta", "output_text.delta",
        "output_text.done", "content_part.done", "output_item.done", "completed",
    ]


def test_the_events_of_a_call_have_their_order(client, model, served):
    model.script(say(call("get_weather", {"city": "Rome"}, pieces=2)))
    assert kinds(events_of(client, served, tools=[function()])) == [
        "created", "in_progress", "output_item.added", "function_call_arguments.delta", "function_call_arguments.delta",
        "function_call_arguments.done", "output_item.done", "completed",
    ]


def test_a_stream_begins_empty(client, served):
    start = events_of(client, served)[0]["response"]
    assert (start["status"], start["output"], start["usage"]) == ("in_progress", [], None)


def test_arguments_are_done_with_the_name_of_the_function(client, model, served):
    model.script(say(call("get_weather", {"city": "Rome"})))
    events = events_of(client, served, tools=[function()])
    [done] = [event for event in events if event["type"] == "response.function_call_arguments.done"]
    assert (done["name"], done["arguments"]) == ("get_weather", '{"city": "Rome"}')


def test_deltas_hide_their_length_unless_told_not_to(client, model):
    def hidden(events):
        return ["obfuscation" in event for event in events if event["type"].endswith(".delta")]

    model.script(says("Good ", "day"), says("Good ", "day"))
    plain = events_of(client, stream_options={"include_obfuscation": False})
    assert (hidden(events_of(client)), hidden(plain)) == ([True, True], [False, False])


def test_the_last_event_holds_what_is_stored(client, served):
    last = events_of(client, served)[-1]["response"]
    assert client.responses.retrieve(last["id"]).to_dict() == last


def anonymous(value):
    """Without what differs between two runs: ids and times."""
    if isinstance(value, dict):
        return {key: anonymous(item) for key, item in value.items() if key not in ("id", "call_id") and "_at" not in key}
    return [anonymous(item) for item in value] if isinstance(value, list) else value


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_streamed_response_equals_the_buffered_one(client, model, served, script):
    model.script(SCRIPTS[script], SCRIPTS[script])
    streamed = events_of(client, served, tools=[function()])[-1]["response"]
    buffered = client.responses.create(model=served, input="Hello", tools=[function()]).to_dict()
    assert anonymous(streamed) == anonymous(buffered)


def test_frames_are_named_after_their_events(client):
    with client.responses.with_streaming_response.create(model="demo", input="Hello", stream=True) as reply:
        frames = "\n".join(reply.iter_lines()).split("\n\n")
    named = [re.fullmatch(r'event: (\S+)\ndata: \{"type":"(\S+?)",.*\}', frame) for frame in frames if "event:" in frame]
    assert named and all(match and match[1] == match[2] for match in named), frames


def test_a_stream_ends_with_the_sentinel(client):
    with client.responses.with_streaming_response.create(model="demo", input="Hello", stream=True) as reply:
        lines = [line for line in reply.iter_lines() if line]
    assert lines[-1] == "data: [DONE]"


def test_a_stream_is_not_to_be_held_back(client):
    with client.responses.with_streaming_response.create(model="demo", input="Hello", stream=True) as reply:
        headers = [reply.headers.get(name) for name in ("content-type", "cache-control", "x-accel-buffering")]
    assert headers == ["text/event-stream; charset=utf-8", "no-cache", "no"]


@pytest.mark.anyio
@pytest.mark.parametrize("law", laws.ALL, ids=lambda law: law.__name__)
async def test_an_asynchronous_stream_is_lawful(async_client, model, law):
    model.script(SCRIPTS["text and call"])
    stream = await async_client.responses.create(model="demo", input="Hello", tools=[function()], stream=True)
    law([event.to_dict() async for event in stream])
