"""Streams of Responses that do not come to their end: the model breaks off, or the client leaves."""

import json
import time

import openai
import pytest

from model_server import PATIENCE_S
from scripts import cut, refuses, say, text


def broken(client, served, script, model):
    """The events before the SDK raised, and what it raised."""
    model.script(script)
    events = []
    with pytest.raises(openai.APIError) as caught:
        for event in client.responses.create(model=served, input="Hello", stream=True):
            events.append(event.to_dict())
    return events, caught.value


@pytest.mark.parametrize("ending", ["fin", "reset"])
def test_a_cut_upstream_is_an_error_after_what_came(client, model, served, ending):
    events, _ = broken(client, served, cut("Good ", "day", after=1, ending=ending), model)
    assert [event["delta"] for event in events if event["type"] == "response.output_text.delta"] == ["Good "]


def test_an_upstream_that_gives_no_reason_for_its_end_is_broken(client, model, served):
    events, _ = broken(client, served, say(text("Good ", "day"), finish=""), model)
    assert [event["delta"] for event in events if event["type"] == "response.output_text.delta"] == ["Good ", "day"]


def test_an_upstream_may_leave_out_the_sentinel(client, model):
    model.script(say(text("Good ", "day"), without_done=True))
    with client.responses.stream(model="demo", input="Hello") as stream:
        assert stream.get_final_response().output_text == "Good day"


def test_an_error_in_a_stream_has_type_and_message(client, model, served):
    _, error = broken(client, served, cut("Good ", "day", after=1, ending="fin"), model)
    assert (error.type, bool(error.body["message"])) == ("server_error", True)


def test_what_was_open_is_closed_as_incomplete_before_the_error(client, model, served):
    events, _ = broken(client, served, cut("Good ", "day", after=1, ending="fin"), model)
    assert (events[-1]["type"], events[-1]["item"]["status"]) == ("response.output_item.done", "incomplete")


def end_of_broken(client, served, model):
    """The response of the last event. The SDK's own iteration raises at the `error` before it."""
    model.script(cut("Good ", "day", after=1, ending="fin"))
    with client.responses.with_streaming_response.create(model=served, input="Hello", stream=True) as reply:
        events = [json.loads(line[len("data: ") :]) for line in reply.iter_lines() if line.startswith("data: {")]
    assert [event["type"] for event in events[-2:]] == ["error", "response.failed"]
    return events[-1]["response"]


def test_a_broken_stream_is_stored_as_failed(client, model, served):
    stored = client.responses.retrieve(end_of_broken(client, served, model)["id"])
    assert (stored.status, stored.error.code) == ("failed", "server_error")


def test_a_broken_stream_is_stored_as_it_ended(client, model, served):
    end = end_of_broken(client, served, model)
    assert client.responses.retrieve(end["id"]).to_dict() == end


def test_a_broken_stream_is_stored_though_the_client_leaves_at_the_error(client, model, served):
    events, _ = broken(client, served, cut("Good ", "day", after=1, ending="fin"), model)
    assert once_stored(client, events[0]["response"]["id"]).status == "failed"


def once_stored(client, id):
    """Whoever has left has not seen the terminal event, so the response may be stored a little later."""
    end = time.monotonic() + PATIENCE_S
    while True:
        try:
            return client.responses.retrieve(id)
        except openai.NotFoundError:
            assert time.monotonic() < end, f"{id} is not stored"
            time.sleep(0.01)


def test_a_broken_turn_can_be_continued_without_what_was_cut(client, model):
    end = end_of_broken(client, "demo", model)
    client.responses.create(model="demo", input="And?", previous_response_id=end["id"])
    assert [message["content"] for message in model.requests()[-1].json["messages"]] == ["Hello", "And?"]


def test_a_refusal_of_the_model_comes_after_the_beginning_of_the_stream(client, model, served):
    events, error = broken(client, served, refuses(400, "This model has no eyes."), model)
    assert (events[0]["type"], error.body["message"]) == ("response.created", "This model has no eyes.")


def test_the_helper_raises_what_broke_the_stream(client, model, served):
    model.script(cut("Good ", "day", after=1, ending="fin"))
    with pytest.raises(openai.APIError), client.responses.stream(model=served, input="Hello") as stream:
        stream.until_done()


def stalled(model):
    """The model says one word and then nothing more; returns how often it was left alone before."""
    model.script(cut("Good ", "day", after=1, ending="stall"))
    return model.counts()["aborted"]


def test_a_closed_stream_ends_the_call_of_the_model(client, model, served):
    before = stalled(model)
    with client.responses.create(model=served, input="Hello", stream=True) as stream:
        next(event for event in stream if event.type == "response.output_text.delta")
    model.until(lambda counts: counts["aborted"] == before + 1)
    assert model.counts()["open"] == 0


def test_a_closed_helper_ends_the_call_of_the_model(client, model, served):
    before = stalled(model)
    with client.responses.stream(model=served, input="Hello") as stream:
        next(event for event in stream if event.type == "response.output_text.delta")
    model.until(lambda counts: counts["aborted"] == before + 1)
    assert model.counts()["open"] == 0


@pytest.mark.anyio
async def test_a_closed_asynchronous_stream_ends_the_call_of_the_model(async_client, model, served):
    before = stalled(model)
    async with await async_client.responses.create(model=served, input="Hello", stream=True) as stream:
        async for event in stream:
            if event.type == "response.output_text.delta":
                break
    model.until(lambda counts: counts["aborted"] == before + 1)
    assert model.counts()["open"] == 0
