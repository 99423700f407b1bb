"""The Agents SDK with its model of the Responses API."""

import pytest
from agents import Agent, ModelSettings, OpenAIChatCompletionsModel, OpenAIResponsesModel, RunConfig, Runner, function_tool

from scripts import call, reasoning, say, says, text
from tools import Plan

pytestmark = pytest.mark.anyio
UNTRACED = RunConfig(tracing_disabled=True)


@function_tool
def get_weather(city: str) -> str:
    """The weather in a city."""
    return f"22 degrees in {city}"


@pytest.fixture(params=[OpenAIResponsesModel, OpenAIChatCompletionsModel], ids=["responses", "chat"])
def made(request, async_client, served):
    """A model of the Agents SDK, for each of the APIs that it speaks."""
    return request.param(model=served, openai_client=async_client)


@pytest.fixture
def responses_model(async_client, served):
    return OpenAIResponsesModel(model=served, openai_client=async_client)


async def run(agent, words, **options):
    return await Runner.run(agent, words, run_config=UNTRACED, **options)


async def test_an_agent_answers(made, model):
    model.script(says("Good ", "day"))
    assert (await run(Agent(name="Greeter", model=made), "Hello")).final_output == "Good day"


async def test_an_agent_runs_its_function(made):
    agent = Agent(name="Meteorologist", model=made, tools=[get_weather])
    result = await run(agent, "How is the weather in Paris?")
    assert result.final_output == "The tool answered: 22 degrees in Paris"


async def test_an_agent_runs_its_function_after_visible_reasoning(made, model):
    model.script(say(reasoning("Hm"), call("get_weather", {"city": "Rome"})), says("Done"))
    result = await run(Agent(name="Meteorologist", model=made, tools=[get_weather]), "Hello")
    assert result.final_output == "Done"


async def test_an_agent_streams_its_text(made, model):
    model.script(says("Good ", "day"))
    streamed = Runner.run_streamed(Agent(name="Greeter", model=made), "Hello", run_config=UNTRACED)
    events = [event async for event in streamed.stream_events() if event.type == "raw_response_event"]
    assert [e.data.delta for e in events if e.data.type == "response.output_text.delta"] == ["Good ", "day"]


async def test_an_agent_streams_while_it_runs_its_function(made):
    agent = Agent(name="Meteorologist", model=made, tools=[get_weather])
    streamed = Runner.run_streamed(agent, "How is the weather in Paris?", run_config=UNTRACED)
    names = [event.name async for event in streamed.stream_events() if event.type == "run_item_stream_event"]
    assert (names, streamed.final_output) == (
        ["tool_called", "tool_output", "message_output_created"], "The tool answered: 22 degrees in Paris",
    )


async def test_parallel_calls_are_all_answered(made, model):
    model.script(say(call("get_weather", {"city": "Rome"}, "a"), call("get_weather", {"city": "Oslo"}, "b")), says("Done"))
    await run(Agent(name="Meteorologist", model=made, tools=[get_weather]), "Both")
    sent = model.requests()[1].json
    outputs = [item.get("output", item.get("content")) for item in sent.get("messages") or sent["input"]]
    assert [output for output in outputs if "degrees" in str(output)] == ["22 degrees in Rome", "22 degrees in Oslo"]


async def test_a_required_choice_reaches_the_model(made, model):
    model.script(say(call("get_weather", {"city": "Rome"})), says("Done"))
    settings = ModelSettings(tool_choice="required")
    await run(Agent(name="Meteorologist", model=made, tools=[get_weather], model_settings=settings), "Hello")
    assert model.requests()[0].json["tool_choice"] == "required"


async def test_an_agent_gives_its_output_a_form(made, model):
    model.script(says('{"city": "Rome", "days": 3}'))
    agent = Agent(name="Planner", model=made, output_type=Plan)
    assert (await run(agent, "Plan")).final_output == Plan(city="Rome", days=3)


async def test_an_agent_hands_over_to_another(made, model):
    other = Agent(name="Greeter", instructions="You greet.", model=made)
    first = Agent(name="Porter", model=made, handoffs=[other])
    model.script(say(call("transfer_to_greeter", {})), says("Good day"))
    result = await run(first, "Hello")
    assert (result.last_agent.name, result.final_output) == ("Greeter", "Good day")


async def test_a_second_turn_goes_on_from_the_response_of_the_first(responses_model):
    agent = Agent(name="Greeter", model=responses_model)
    first = await run(agent, "One")
    second = await run(agent, "Two", previous_response_id=first.last_response_id)
    assert second.final_output.endswith("You said: Two Before that: One")


async def test_a_turn_with_a_function_is_chained_by_the_server(responses_model):
    agent = Agent(name="Meteorologist", model=responses_model, tools=[get_weather])
    first = await run(agent, "How is the weather in Paris?", auto_previous_response_id=True)
    second = await run(agent, "Thanks", previous_response_id=first.last_response_id)
    assert second.final_output.endswith("You said: Thanks Before that: How is the weather in Paris?")


async def test_a_second_turn_goes_on_from_the_items_of_the_first(made):
    agent = Agent(name="Meteorologist", model=made, tools=[get_weather])
    first = await run(agent, "How is the weather in Paris?")
    second = await run(agent, [*first.to_input_list(), {"role": "user", "content": "Thanks"}])
    assert second.final_output.endswith("You said: Thanks Before that: How is the weather in Paris?")


async def test_usage_is_that_of_all_its_calls(made, model):
    usage = {"exact": {"input": 10, "output": 2}}
    model.script(say(call("get_weather", {"city": "Rome"}), usage=usage), say(text("Done"), usage=usage))
    result = await run(Agent(name="Meteorologist", model=made, tools=[get_weather]), "Hello")
    assert (result.context_wrapper.usage.requests, result.context_wrapper.usage.total_tokens) == (2, 24)
