"""MCP servers that the proxy calls: lists, calls, choices and failures, as typed objects of the SDK."""

import json

import openai
import pytest
from openai.types.responses import ToolChoiceMcp
from openai.types.responses.mcp_tool_call_error import HTTPError, McpProtocolError, McpToolExecutionError
from openai.types.responses.response_output_item import McpCall, McpListTools
from openai.types.responses.tool import Mcp

import laws
from scripts import call, say, says
from tools import Plan, function, mcp

pytestmark = pytest.mark.usefixtures("python_server")
ADD = ("mcp__python__add", {"a": 2, "b": 3})


def adds(model):
    model.script(say(call(*ADD, pieces=2)), says("It is 5."))


def asked(client, served="demo", **fields):
    return client.responses.create(model=served, **{"input": "What is 2 + 3?", "tools": [mcp()], **fields})


def is_sum_of_python(response):
    listed, called, message = response.output
    assert (type(listed), type(called), message.content[0].text) == (McpListTools, McpCall, "It is 5.")
    assert (listed.server_label, [tool.name for tool in listed.tools], listed.error) == ("python", ["add", "fail", "slow"], None)
    assert (called.server_label, called.name, json.loads(called.arguments)) == ("python", "add", {"a": 2, "b": 3})
    assert (called.output, called.error, called.status, called.approval_request_id) == ("5", None, "completed", None)


def offered(model, turn=0):
    """The names of the tools that the model got."""
    tools = model.requests()[turn].json.get("tools") or []
    return [tool.get("function", tool)["name"] for tool in tools]


def test_a_server_is_listed_called_and_its_result_answered(client, model, served):
    adds(model)
    is_sum_of_python(asked(client, served))


@pytest.mark.anyio
async def test_it_is_the_same_without_blocking(async_client, model, served):
    adds(model)
    is_sum_of_python(await asked(async_client, served))


def test_a_stream_ends_in_the_same_response(client, model, served):
    adds(model)
    with client.responses.stream(model=served, input="What is 2 + 3?", tools=[mcp()]) as stream:
        kinds = [event.type for event in stream]
        is_sum_of_python(stream.get_final_response())
    own = [kind for kind in kinds if kind.startswith("response.mcp_") and not kind.endswith(".delta")]
    assert own == [
        "response.mcp_list_tools.in_progress", "response.mcp_list_tools.completed", "response.mcp_call.in_progress",
        "response.mcp_call_arguments.done", "response.mcp_call.completed",
    ]


@pytest.mark.anyio
async def test_a_stream_is_the_same_without_blocking(async_client, model, served):
    adds(model)
    async with async_client.responses.stream(model=served, input="What is 2 + 3?", tools=[mcp()]) as stream:
        arguments = "".join([event.delta async for event in stream if event.type == "response.mcp_call_arguments.delta"])
        is_sum_of_python(await stream.get_final_response())
    assert json.loads(arguments) == {"a": 2, "b": 3}


@pytest.mark.parametrize("law", laws.ALL, ids=lambda law: law.__name__)
def test_a_stream_is_lawful(client, model, served, law):
    adds(model)
    law([event.to_dict() for event in asked(client, served, stream=True)])


def test_server_everything_answers_too(client, model, served, everything):
    model.script(say(call("mcp__everything__echo", {"message": "hi"})), says("Done"))
    listed, called, _ = asked(client, served, tools=[mcp("everything")]).output
    assert {"echo", "get-sum", "get-tiny-image"} <= {tool.name for tool in listed.tools}
    assert (called.name, called.output, called.status) == ("echo", "Echo: hi", "completed")


def test_parallel_calls_of_two_servers_are_all_answered(client, model, served, everything):
    model.script(say(call(*ADD, id="a"), call("mcp__everything__echo", {"message": "hi"}, id="b")), says("Done"))
    items = asked(client, served, tools=[mcp(), mcp("everything")]).output
    calls = [(item.server_label, item.output) for item in items if isinstance(item, McpCall)]
    assert calls == [("python", "5"), ("everything", "Echo: hi")]


def test_functions_of_the_client_go_beside_it(client, model, served):
    model.script(say(call(*ADD, id="a"), call("get_weather", {"city": "Rome"}, id="b")))
    response = asked(client, served, tools=[mcp(), function()])
    done = {item.type: getattr(item, "output", None) for item in response.output}
    assert done == {"mcp_list_tools": None, "mcp_call": "5", "function_call": None}


def test_a_server_of_the_caller_is_called_by_its_address(client, model, served, python_server):
    model.script(say(call("mcp__mine__add", {"a": 2, "b": 3})), says("Done"))
    response = asked(client, served, tools=[mcp("mine", server_url=python_server.url, headers={"x-secret": "hush"})])
    [tool] = response.tools
    assert (response.output[1].output, type(tool), tool.headers, tool.authorization) == ("5", Mcp, None, None)
    assert "hush" not in response.to_json()


def test_a_form_is_read_from_the_answer_after_a_call(client, model, served):
    model.script(say(call(*ADD)), says('{"city": "Rome", "days": 5}'))
    response = client.responses.parse(model=served, input="How long?", tools=[mcp()], text_format=Plan)
    assert (response.output[1].output, response.output_parsed) == ("5", Plan(city="Rome", days=5))


def test_what_was_created_is_what_is_read(client, model, served):
    adds(model)
    created = asked(client, served)
    assert client.responses.retrieve(created.id).to_dict() == created.to_dict()


def test_a_chain_lists_once_and_keeps_its_calls_as_input_items(client, model, served):
    adds(model)
    first = asked(client, served)
    model.script(says("Still 5."))
    second = asked(client, served, input="Sure?", previous_response_id=first.id)
    items = list(client.responses.input_items.list(second.id, order="asc"))
    assert [item.type for item in second.output] == ["message"]
    assert [item.type for item in items] == ["message", "mcp_list_tools", "mcp_call", "message", "message"]
    assert [item.id for item in items[1:3]] == [item.id for item in first.output[:2]]


def test_the_items_are_input_again_without_the_server_keeping_anything(client, model, served):
    adds(model)
    first = asked(client, served, store=False)
    model.script(says("Still 5."))
    context = [{"role": "user", "content": "What is 2 + 3?"}, *first.output, {"role": "user", "content": "Sure?"}]
    second = asked(client, served, input=context, store=False)
    assert [item.type for item in second.output] == ["message"]
    assert model.requests()[2].outputs == ["5"]


@pytest.mark.parametrize("allowed", [["add"], {"tool_names": ["add"]}], ids=["list", "filter"])
def test_only_allowed_tools_are_offered(client, model, served, allowed):
    model.script(says("Done"))
    response = asked(client, served, tools=[mcp(allowed_tools=allowed)])
    assert offered(model) == ["mcp__python__add"]
    echo = response.tools[0].allowed_tools
    assert (echo if isinstance(echo, list) else echo.to_dict()) == allowed


def test_a_call_outside_of_the_allowed_tools_does_not_run(client, model, served):
    adds(model)
    response = asked(client, served, tools=[mcp(allowed_tools=["slow"])])
    assert [item.type for item in response.output] == ["mcp_list_tools", "message"]


def test_the_choice_of_a_tool_is_forced_once_and_echoed(client, model, served):
    adds(model)
    choice = {"type": "mcp", "server_label": "python", "name": "add"}
    echo = asked(client, served, tool_choice=choice).tool_choice
    forced, free = (request.json.get("tool_choice", "auto") for request in model.requests())
    assert (type(echo), echo.to_dict(), free) == (ToolChoiceMcp, choice, "auto")
    assert forced.get("function", forced)["name"] == "mcp__python__add"


def test_a_failed_tool_is_a_typed_error_and_the_model_goes_on(client, model, served):
    model.script(say(call("mcp__python__fail", {})), says("It failed."))
    response = asked(client, served)
    called = response.output[1]
    assert (type(called.error), called.output, called.status) == (McpToolExecutionError, None, "failed")
    assert (response.status, response.error, response.output_text) == ("completed", None, "It failed.")
    [told] = model.requests()[1].outputs
    assert "fail" in told


def test_an_answer_of_the_protocol_is_a_typed_error(client, model, served, pages):
    model.script(say(call("mcp__bare__open_vault", {})), says("It is shut."))
    called = asked(client, served, tools=[mcp("bare")]).output[1]
    assert (type(called.error), called.error.code, called.status) == (McpProtocolError, -32042, "failed")
    assert (called.error.message, called.output) == ("the vault is shut", None)


def test_a_server_that_went_away_is_a_typed_error(client, model, served):
    model.script(say(call("mcp__optional__add", {})), says("It went away."))
    listed = {"type": "mcp_list_tools", "id": "mcpl_1", "server_label": "optional"}
    listed["tools"] = [{"name": "add", "input_schema": {"type": "object"}}]
    response = asked(client, served, input=[listed, {"role": "user", "content": "Add"}], tools=[mcp("optional")])
    [called, message] = response.output
    assert (type(called.error), called.error.code, called.output, called.status) == (HTTPError, 502, None, "failed")
    assert (response.status, message.content[0].text) == ("completed", "It went away.")


def test_a_failed_call_in_a_stream_has_its_event(client, model, served):
    model.script(say(call("mcp__python__fail", {})), says("It failed."))
    with client.responses.stream(model=served, input="Fail", tools=[mcp()]) as stream:
        kinds = [event.type for event in stream if event.type.startswith("response.mcp_call.")]
    assert kinds == ["response.mcp_call.in_progress", "response.mcp_call.failed"]


def test_a_server_that_is_gone_where_it_must_not_be_is_an_error_of_its_own(client, model, served):
    with pytest.raises(openai.APIStatusError) as caught:
        asked(client, served, tools=[mcp("gone")])
    assert (caught.value.status_code, caught.value.type, caught.value.param) == (424, "external_connector_error", "tools")
    assert model.requests() == []


def test_a_server_that_may_be_gone_is_listed_with_its_error(client, model, served):
    model.script(says("Without it"))
    response = asked(client, served, tools=[mcp("optional")])
    [listed, message] = response.output
    assert (type(listed), listed.tools, message.content[0].text) == (McpListTools, [], "Without it")
    assert listed.error


def test_an_unknown_label_is_a_bad_request(client, model):
    with pytest.raises(openai.BadRequestError) as caught:
        asked(client, tools=[mcp("nowhere")])
    assert (caught.value.code, caught.value.param) == ("mcp_server_not_found", "tools[0].server_label")
    assert model.requests() == []


def test_calls_of_the_server_count_as_tool_calls(client, model, served):
    model.script(*(say(call(*ADD)) for _ in range(3)), says("Done"))
    calls = [item for item in asked(client, served, max_tool_calls=1).output if isinstance(item, McpCall)]
    assert [item.output for item in calls] == ["5"]


def chat(client, served, **fields):
    messages = [{"role": "user", "content": "What is 2 + 3?"}]
    return client.chat.completions.create(model=served, messages=messages, tools=[mcp()], **fields)


def test_chat_completions_use_the_same_servers(client, model, served):
    adds(model)
    [choice] = chat(client, served).choices
    assert (choice.message.content, choice.message.tool_calls, choice.finish_reason) == ("It is 5.", None, "stop")
    assert model.requests()[1].outputs == ["5"]


def test_chunks_of_chat_completions_have_the_answer_alone(client, model, served):
    adds(model)
    deltas = [chunk.choices[0].delta for chunk in chat(client, served, stream=True) if chunk.choices]
    assert ("".join(delta.content or "" for delta in deltas), [delta.tool_calls for delta in deltas if delta.tool_calls]) == (
        "It is 5.", [],
    )
