"""Chat Completions: plain, with tools and forms."""

import openai
import pytest

from scripts import call, refuses, say, says, text
from tools import Plan, chat_function

HELLO = [{"role": "user", "content": "Hello"}]
QUESTION = {"role": "user", "content": "How is the weather in Paris?"}


def chat(client, served="demo", **fields):
    return client.chat.completions.create(model=served, **{"messages": HELLO, **fields})


def contents(chunks):
    return "".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices)


def test_the_model_answers(client, model, served):
    model.script(says("Good ", "day"))
    [choice] = chat(client, served).choices
    assert (choice.message.role, choice.message.content, choice.finish_reason) == ("assistant", "Good day", "stop")


@pytest.mark.anyio
async def test_the_asynchronous_client_gets_an_answer(async_client, model, served):
    model.script(says("Good ", "day"))
    reply = await chat(async_client, served)
    assert reply.choices[0].message.content == "Good day"


def test_usage_is_what_the_model_counted(client, model, served):
    model.script(say(text("Good day"), usage={"exact": {"input": 10, "output": 4}}))
    usage = chat(client, served).usage
    assert (usage.prompt_tokens, usage.completion_tokens, usage.total_tokens) == (10, 4, 14)


def test_a_cut_answer_says_so(client, model, served):
    model.script(say(text("Good"), finish="length"))
    assert chat(client, served).choices[0].finish_reason == "length"


def test_sampling_reaches_the_model(client, model, served):
    chat(client, served, temperature=0.5, max_completion_tokens=100)
    sent = model.requests()[0].json
    limit = {"demo": "max_completion_tokens", "native": "max_output_tokens"}[served]
    assert (sent["temperature"], sent[limit]) == (0.5, 100)


def test_a_form_is_read_from_the_answer(client, model, served):
    model.script(says('{"city": "Rome", "days": 3}'))
    reply = client.chat.completions.parse(model=served, messages=HELLO, response_format=Plan)
    assert reply.choices[0].message.parsed == Plan(city="Rome", days=3)


def test_arguments_are_read_as_the_form_of_the_tool(client, model, served):
    model.script(say(call("Plan", {"city": "Rome", "days": 3})))
    tools = [openai.pydantic_function_tool(Plan)]
    reply = client.chat.completions.parse(model=served, messages=HELLO, tools=tools)
    assert reply.choices[0].message.tool_calls[0].function.parsed_arguments == Plan(city="Rome", days=3)


def test_a_function_is_called_and_its_answer_used(client, served):
    first = chat(client, served, messages=[QUESTION], tools=[chat_function()]).choices[0]
    [called] = first.message.tool_calls
    answer = {"role": "tool", "tool_call_id": called.id, "content": "22 degrees"}
    messages = [QUESTION, first.message.to_dict(), answer]
    second = chat(client, served, messages=messages, tools=[chat_function()]).choices[0]
    assert (first.finish_reason, called.function.arguments, second.message.content) == (
        "tool_calls", '{"city":"Paris"}', "The tool answered: 22 degrees",
    )


@pytest.mark.parametrize("streamed", [False, True], ids=["buffered", "streamed"])
def test_a_tool_of_the_server_leaves_one_completion(client, model, served, streamed):
    model.script(say(call("think", {"thought": "Hm"})), says("Well ", "thought"))
    reply = chat(client, served, tools=[{"type": "think"}], stream=streamed)
    if not streamed:
        assert (reply.choices[0].message.content, reply.choices[0].message.tool_calls) == ("Well thought", None)
        return
    chunks = list(reply)
    assert (contents(chunks), any(choice.delta.tool_calls for c in chunks for choice in c.choices)) == ("Well thought", False)


@pytest.mark.parametrize(
    ("fields", "param"),
    [({"messages": []}, "messages"), ({"temperature": 3}, "temperature"), ({"n": 0}, "n")],
    ids=["no messages", "too hot", "no choices"],
)
def test_a_mistake_is_a_bad_request_that_names_it(client, fields, param):
    with pytest.raises(openai.BadRequestError) as caught:
        chat(client, store=True, **fields)
    assert caught.value.param == param


def test_an_unknown_model_is_not_found(client):
    with pytest.raises(openai.NotFoundError) as caught:
        chat(client, "nobody")
    assert (caught.value.code, caught.value.param) == ("model_not_found", "model")


def test_a_refusal_of_the_model_keeps_its_words(client, model, served):
    model.script(refuses(400, "This model has no eyes."))
    with pytest.raises(openai.BadRequestError) as caught:
        chat(client, served)
    assert caught.value.body["message"] == "This model has no eyes."
