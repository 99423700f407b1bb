"""The SDK's helper for streams of Responses."""

import pytest

from scripts import call, say, says
from tools import Plan, function


def test_the_helper_gives_the_final_response(client, model, served):
    model.script(says("Good ", "day"))
    with client.responses.stream(model=served, input="Hello") as stream:
        assert stream.get_final_response().output_text == "Good day"


def test_the_helper_shows_the_text_so_far(client, model, served):
    model.script(says("Good ", "day"))
    with client.responses.stream(model=served, input="Hello") as stream:
        snapshots = [event.snapshot for event in stream if event.type == "response.output_text.delta"]
    assert snapshots == ["Good ", "Good day"]


def test_the_helper_shows_the_arguments_so_far(client, model, served):
    model.script(say(call("get_weather", {"city": "Rome"}, pieces=2)))
    with client.responses.stream(model=served, input="Hello", tools=[function()]) as stream:
        snapshots = [event.snapshot for event in stream if event.type == "response.function_call_arguments.delta"]
    assert snapshots == ['{"city":', '{"city": "Rome"}']


def test_the_helper_reads_a_form(client, model, served):
    model.script(says('{"city": "Rome", ', '"days": 3}'))
    with client.responses.stream(model=served, input="Hello", text_format=Plan) as stream:
        assert stream.get_final_response().output_parsed == Plan(city="Rome", days=3)


@pytest.mark.anyio
async def test_the_asynchronous_helper_gives_the_final_response(async_client, model, served):
    model.script(says("Good ", "day"))
    async with async_client.responses.stream(model=served, input="Hello") as stream:
        assert (await stream.get_final_response()).output_text == "Good day"
