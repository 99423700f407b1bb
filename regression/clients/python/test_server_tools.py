"""`think`, which the server runs. Its echo in `tools` is an extension, so these clients are lenient."""

import pytest

import laws
from scripts import call, say, says, text

pytestmark = pytest.mark.filterwarnings("ignore:Pydantic serializer warnings")
THINK = [{"type": "think"}]


def thinks(model, *thoughts):
    usage = {"exact": {"input": 10, "output": 2}}
    model.script(*(say(call("think", {"thought": thought}), usage=usage) for thought in thoughts))
    model.script(say(text("It ", "is."), usage=usage))


def asked(client, served, **fields):
    return client.responses.create(model=served, input="Is it so?", tools=THINK, **fields)


def test_a_thought_is_reasoning_before_the_answer(lenient_client, model, served):
    thinks(model, "Hm")
    response = asked(lenient_client, served)
    assert ([item.type for item in response.output], response.output[0].content[0].text, response.output_text) == (
        ["reasoning", "message"], "Hm", "It is.",
    )


def test_usage_is_the_sum_of_all_rounds(lenient_client, model, served):
    thinks(model, "Hm")
    usage = asked(lenient_client, served).usage
    assert (usage.input_tokens, usage.output_tokens, usage.total_tokens) == (20, 4, 24)


def test_the_model_gets_an_answer_to_its_thought(lenient_client, model):
    thinks(model, "Hm")
    asked(lenient_client, "demo")
    _, called, answered = model.requests()[1].json["messages"]
    assert (called["tool_calls"][0]["id"], answered["role"]) == (answered["tool_call_id"], "tool")


def test_a_forced_choice_holds_for_the_first_round_only(lenient_client, model):
    thinks(model, "Hm")
    asked(lenient_client, "demo", tool_choice="required")
    assert [request.json.get("tool_choice", "auto") for request in model.requests()] == ["required", "auto"]


def test_thoughts_do_not_count_as_tool_calls(lenient_client, model, served):
    thinks(model, "Hm", "And then")
    response = asked(lenient_client, served, max_tool_calls=1)
    assert [item.type for item in response.output] == ["reasoning", "reasoning", "message"]


def test_an_alias_is_the_name_that_the_model_sees(lenient_client, model):
    model.script(says("Done"))
    tools = [{"type": "think", "alias": "ponder", "alias_description": "Think hard."}]
    response = lenient_client.responses.create(model="demo", input="Is it so?", tools=tools)
    assert (model.requests()[0].json["tools"][0]["function"]["name"], response.tools[0].type) == ("ponder", "think")


@pytest.mark.parametrize("law", laws.ALL, ids=lambda law: law.__name__)
def test_a_stream_over_two_rounds_is_lawful(lenient_client, model, served, law):
    thinks(model, "Hm")
    law([event.to_dict() for event in asked(lenient_client, served, stream=True)])


def test_the_next_turn_goes_on_from_a_thought(lenient_client, model, served):
    thinks(model, "Hm")
    first = asked(lenient_client, served)
    second = lenient_client.responses.create(model=served, input="And now?", previous_response_id=first.id)
    assert second.output_text.endswith("You said: And now? Before that: Is it so?")
