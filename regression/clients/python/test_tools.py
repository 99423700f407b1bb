"""Functions of the client, the choice among them, and tools that the server runs."""

import json

import openai
import pytest

from scripts import call, say, says, text
from tools import CITY, function, output_of

QUESTION = "How is the weather in Paris?"


def asked(client, served="demo", **fields):
    return client.responses.create(model=served, **{"input": QUESTION, "tools": [function()], **fields})


def test_a_call_of_a_function_ends_the_turn(client, served):
    response = asked(client, served)
    [item] = response.output
    assert (response.status, item.type, item.name, item.arguments) == (
        "completed", "function_call", "get_weather", '{"city":"Paris"}',
    )


def test_the_model_gets_the_output_by_the_chain(client, served):
    first = asked(client, served)
    outputs = [output_of(first.output[0], "22 degrees")]
    second = asked(client, served, previous_response_id=first.id, input=outputs)
    assert second.output_text == "The tool answered: 22 degrees"


def test_the_model_gets_the_output_without_the_server_keeping_anything(client, served):
    first = asked(client, served, store=False)
    context = [{"role": "user", "content": QUESTION}, *first.output, output_of(first.output[0], "22 degrees")]
    assert asked(client, served, input=context, store=False).output_text == "The tool answered: 22 degrees"


def test_an_output_may_be_a_list_of_texts(client, served):
    first = asked(client, served)
    parts = [{"type": "input_text", "text": "22 degrees"}]
    second = asked(client, served, previous_response_id=first.id, input=[output_of(first.output[0], parts)])
    assert second.output_text == "The tool answered: 22 degrees"


def test_a_call_without_its_output_is_refused(client):
    first = asked(client)
    with pytest.raises(openai.BadRequestError) as caught:
        asked(client, previous_response_id=first.id, input="Well?")
    call_id = first.output[0].call_id
    assert caught.value.body["message"] == f"No tool output found for function call {call_id}."


def test_an_output_without_its_call_is_refused(client):
    lonely = {"type": "function_call_output", "call_id": "call_nobody", "output": "22"}
    with pytest.raises(openai.BadRequestError) as caught:
        asked(client, input=[lonely])
    assert caught.value.body["message"] == "No tool call found for function call output with call_id call_nobody."


def two_calls(model):
    model.script(say(call("get_weather", {"city": "Rome"}, "call_0"), call("get_weather", {"city": "Oslo"}, "call_0")))


def test_parallel_calls_differ_in_their_ids(client, model, served):
    two_calls(model)
    calls = asked(client, served).output
    assert ([json.loads(c.arguments)["city"] for c in calls], len({c.id for c in calls}), len({c.call_id for c in calls})) == (
        ["Rome", "Oslo"], 2, 2,
    )


def answered_backwards(client, model):
    """The messages that the model gets when two calls are answered, the second one first."""
    two_calls(model)
    first = asked(client)
    rome, oslo = first.output
    model.script(says("Done"))
    asked(client, previous_response_id=first.id, input=[output_of(oslo, "cold"), output_of(rome, "warm")])
    return model.requests()[1].json["messages"]


def test_outputs_of_parallel_calls_may_come_in_any_order(client, model):
    messages = answered_backwards(client, model)
    called = {c["id"]: json.loads(c["function"]["arguments"])["city"] for m in messages for c in m.get("tool_calls") or ()}
    answered = {called[m["tool_call_id"]]: m["content"] for m in messages if m["role"] == "tool"}
    assert answered == {"Rome": "warm", "Oslo": "cold"}


def test_parallel_calls_of_a_turn_are_one_message_of_the_assistant(client, model):
    messages = answered_backwards(client, model)
    assert [message["role"] for message in messages] == ["user", "assistant", "tool", "tool"]


def test_calls_one_at_a_time_are_asked_of_the_model(client, model, served):
    asked(client, served, parallel_tool_calls=False)
    assert model.requests()[0].json["parallel_tool_calls"] is False


def test_a_function_is_echoed_as_strict_unless_told_otherwise(client):
    plain = {"type": "function", "name": "get_weather", "parameters": {"type": "object", "properties": CITY["properties"]}}
    [strict, loose] = asked(client, tools=[plain, {**plain, "name": "other", "strict": False}]).tools
    assert (strict.strict, strict.parameters, loose.strict, loose.parameters) == (True, CITY, False, plain["parameters"])


CHOICES = {
    "auto": ("auto", "auto"),
    "none": ("none", "none"),
    "required": ("required", "required"),
    "function": ({"type": "function", "name": "get_weather"}, {"type": "function", "function": {"name": "get_weather"}}),
}


@pytest.mark.parametrize("choice", CHOICES)
def test_a_choice_reaches_the_model_in_its_format(client, model, choice):
    ours, theirs = CHOICES[choice]
    asked(client, tool_choice=ours)
    assert model.requests()[0].json.get("tool_choice", "auto") == theirs


ALLOWED = {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "get_weather"}]}


@pytest.mark.parametrize("choice", [*(ours for ours, _ in CHOICES.values()), ALLOWED], ids=[*CHOICES, "allowed_tools"])
def test_a_choice_is_echoed(client, served, choice):
    echo = asked(client, served, tool_choice=choice).tool_choice
    assert (echo if isinstance(echo, str) else echo.to_dict()) == choice


def test_no_call_reaches_the_client_that_wants_none(client, model, served):
    model.script(say(text("Well"), call("get_weather", {"city": "Rome"})))
    assert {item.type for item in asked(client, served, tool_choice="none").output} == {"message"}


def test_a_call_outside_of_the_allowed_ones_does_not_reach_the_client(client, model, served):
    model.script(say(call("get_time", {"city": "Rome"})), says("Then not"))
    response = asked(client, served, tools=[function(), function("get_time")], tool_choice=ALLOWED)
    assert [item.type for item in response.output] == ["message"]


def test_all_tools_stay_in_the_prompt_when_some_are_allowed(client, model):
    asked(client, tools=[function(), function("get_time")], tool_choice=ALLOWED)
    assert [tool["function"]["name"] for tool in model.requests()[0].json["tools"]] == ["get_weather", "get_time"]


def test_calls_of_the_client_do_not_count_as_tool_calls(client, model, served):
    two_calls(model)
    response = asked(client, served, max_tool_calls=1)
    assert (response.max_tool_calls, len(response.output)) == (1, 2)


def test_less_than_one_tool_call_is_refused(client):
    with pytest.raises(openai.BadRequestError) as caught:
        asked(client, max_tool_calls=0)
    assert (caught.value.code, caught.value.param) == ("integer_below_min_value", "max_tool_calls")


def test_a_custom_tool_gets_free_text(client, model, served):
    model.script(say(call("run", {"input": "ls -l"})))
    [item] = asked(client, served, tools=[{"type": "custom", "name": "run"}]).output
    assert (item.type, item.name, item.input) == ("custom_tool_call", "run", "ls -l")
