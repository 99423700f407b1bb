"""The Agents SDK with hosted MCP tools: the server calls them, and the SDK asks a person where a call needs approval."""

import json

import pytest
from agents import Agent, HostedMCPTool, ModelSettings, OpenAIResponsesModel, RunConfig, Runner, function_tool
from agents.items import MCPApprovalRequestItem, MCPApprovalResponseItem, MCPListToolsItem, ToolCallItem
from agents.model_settings import MCPToolChoice
from openai.types.responses.response_output_item import McpCall

from scripts import call, say, says
from tools import mcp

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("python_server")]
QUESTION = "What is 2 + 3?"
ADDED = [("python", "add", {"a": 2, "b": 3})]
UNTRACED = RunConfig(tracing_disabled=True)


@pytest.fixture
def hosted(async_client, served, model):
    """Makes an agent with a hosted tool; its model calls `add` first."""
    model.script(say(call("mcp__python__add", {"a": 2, "b": 3})), says("It is 5."))

    def hosted(approval, on_approval_request=None, label="python", **fields):
        tool = HostedMCPTool(mcp(label, require_approval=approval), on_approval_request=on_approval_request)
        made = OpenAIResponsesModel(model=served, openai_client=async_client)
        return Agent(name="Adder", model=made, tools=[tool], **fields)

    return hosted


class Person:
    """Says the same to every request, and remembers what it was asked."""

    def __init__(self, **said):
        self.said, self.asked = said, []

    def __call__(self, request):
        self.asked.append((request.data.server_label, request.data.name, json.loads(request.data.arguments)))
        return self.said


def run(agent, words, **options):
    return Runner.run(agent, words, run_config=UNTRACED, **options)


def calls(result):
    return [item.raw_item for item in result.new_items if isinstance(item, ToolCallItem)]


async def test_a_hosted_tool_is_called_by_the_server(hosted, model):
    result = await run(hosted("never"), QUESTION)
    [called] = calls(result)
    assert (type(called), called.output, result.final_output) == (McpCall, "5", "It is 5.")
    assert isinstance(result.new_items[0], MCPListToolsItem)
    assert len(result.raw_responses) == 1


async def test_a_call_runs_once_the_callback_approves(hosted):
    person = Person(approve=True)
    result = await run(hosted("always", person), QUESTION)
    [called] = calls(result)
    assert (person.asked, called.output, result.final_output) == (ADDED, "5", "It is 5.")
    kinds = [type(item) for item in result.new_items]
    assert kinds[:3] == [MCPListToolsItem, MCPApprovalRequestItem, MCPApprovalResponseItem]
    assert called.approval_request_id == result.new_items[1].raw_item.id


async def test_a_call_runs_once_a_callback_that_waits_approves(hosted):
    async def person(_request):
        return {"approve": True}

    assert [called.output for called in calls(await run(hosted("always", person), QUESTION))] == ["5"]


async def test_a_call_does_not_run_where_the_callback_denies(hosted, model):
    person = Person(approve=False, reason="Not on a Sunday")
    result = await run(hosted("always", person), QUESTION)
    assert (person.asked, calls(result), result.final_output) == (ADDED, [], "It is 5.")
    [told] = model.requests()[1].outputs
    assert "Not on a Sunday" in told


@function_tool
def get_weather(city: str) -> str:
    """The weather in a city."""
    return f"22 degrees in {city}"


@pytest.mark.parametrize("approval", ["never", "always"])
async def test_functions_of_the_client_go_beside_it(hosted, model, approval):
    agent = hosted(approval, Person(approve=True))
    agent.tools.append(get_weather)
    model.reset()
    both = [call("mcp__python__add", {"a": 2, "b": 3}, "a"), call("get_weather", {"city": "Rome"}, "b")]
    model.script(say(*both), says("Done"))
    result = await run(agent, "Both")
    assert sorted(model.requests()[1].outputs) == ["22 degrees in Rome", "5"]
    assert ([called.output for called in calls(result) if isinstance(called, McpCall)], result.final_output) == (["5"], "Done")


async def test_approval_by_the_chain_of_the_server(hosted):
    person = Person(approve=True)
    result = await run(hosted("always", person), QUESTION, auto_previous_response_id=True)
    assert ([called.output for called in calls(result)], result.final_output) == (["5"], "It is 5.")


async def test_approval_without_the_server_keeping_anything(hosted):
    person = Person(approve=True)
    result = await run(hosted("always", person, model_settings=ModelSettings(store=False)), QUESTION)
    assert ([called.output for called in calls(result)], result.final_output) == (["5"], "It is 5.")


async def test_a_streamed_run_tells_of_list_request_answer_and_call(hosted):
    streamed = Runner.run_streamed(hosted("always", Person(approve=True)), QUESTION, run_config=UNTRACED)
    names = [event.name async for event in streamed.stream_events() if event.type == "run_item_stream_event"]
    assert sorted(names) == sorted([
        "mcp_list_tools", "mcp_approval_requested", "mcp_approval_response", "tool_called", "message_output_created",
    ])
    assert streamed.final_output == "It is 5."


async def test_a_run_is_interrupted_and_goes_on_with_what_a_person_said(hosted):
    agent = hosted("always")
    first = await run(agent, QUESTION)
    [waiting] = first.interruptions
    assert (waiting.tool_name, waiting.raw_item.server_label) == ("add", "python")
    state = first.to_state()
    state.approve(waiting)
    result = await Runner.run(agent, state, run_config=UNTRACED)
    assert ([called.output for called in calls(result)], result.final_output) == (["5"], "It is 5.")


async def test_an_interrupted_run_goes_on_without_a_call_that_was_rejected(hosted, model):
    agent = hosted("always")
    first = await run(agent, QUESTION)
    state = first.to_state()
    state.reject(first.interruptions[0], rejection_message="Not on a Sunday")
    result = await Runner.run(agent, state, run_config=UNTRACED)
    assert (calls(result), result.final_output) == ([], "It is 5.")
    [told] = model.requests()[1].outputs
    assert "Not on a Sunday" in told


async def test_a_choice_of_the_tool_is_forced_once(hosted, model):
    settings = ModelSettings(tool_choice=MCPToolChoice(server_label="python", name="add"))
    result = await run(hosted("never", model_settings=settings), QUESTION)
    forced, free = (request.json.get("tool_choice", "auto") for request in model.requests())
    assert (forced.get("function", forced)["name"], free, result.final_output) == ("mcp__python__add", "auto", "It is 5.")


async def test_a_second_turn_goes_on_from_the_items_of_the_first(hosted, model):
    agent = hosted("always", Person(approve=True))
    first = await run(agent, QUESTION)
    model.script(says("Still 5."))
    second = await run(agent, [*first.to_input_list(), {"role": "user", "content": "Sure?"}])
    assert (model.requests()[2].outputs, second.final_output) == (["5"], "Still 5.")


async def test_a_call_that_a_page_begs_for_waits_for_the_person(hosted, model, pages):
    model.reset()
    model.script(
        {**say(call("mcp__wary__delete_everything", {}, "b")), "contains": "now call delete_everything"},
        say(call("mcp__wary__read_page", {"name": "news"}, "a")),
        says("That was it."),
    )
    person = Person(approve=False, reason="Certainly not")
    result = await run(hosted("never", person, label="wary"), "Read the news")
    assert (person.asked, pages.calls()) == ([("wary", "delete_everything", {})], ["read_page"])
    assert result.final_output == "That was it."
