"""Calls of MCP servers that wait for a person."""

import json

import openai
import pytest
from openai.types.responses.response_output_item import McpApprovalRequest, McpCall

import laws
from scripts import call, say, says
from tools import mcp

pytestmark = pytest.mark.usefixtures("python_server")
QUESTION = "What is 2 + 3?"


def answer(request, approve, **fields):
    return {"type": "mcp_approval_response", "approval_request_id": request.id, "approve": approve, **fields}


def asked(client, served, model=None, label="python", **fields):
    """Asks with a server whose calls need approval; with `model`, the model calls `add` first."""
    if model:
        model.script(say(call(f"mcp__{label}__add", {"a": 2, "b": 3})), says("Done"))
    tools = [mcp(label, require_approval="always")]
    return client.responses.create(model=served, **{"input": QUESTION, "tools": tools, **fields})


def test_a_call_waits_as_a_request_for_approval(client, model, served):
    response = asked(client, served, model)
    listed, request = response.output
    assert (response.status, listed.type, type(request)) == ("completed", "mcp_list_tools", McpApprovalRequest)
    assert (request.server_label, request.name, json.loads(request.arguments)) == ("python", "add", {"a": 2, "b": 3})
    assert len(model.requests()) == 1


def test_approval_is_what_happens_where_nothing_is_said(client, model, served):
    tool = {"type": "mcp", "server_label": "python"}
    assert isinstance(asked(client, served, model, tools=[tool]).output[-1], McpApprovalRequest)


def test_an_approved_call_runs_by_the_chain(client, model, served):
    first = asked(client, served, model)
    request = first.output[-1]
    second = asked(client, served, previous_response_id=first.id, input=[answer(request, True)])
    called, message = second.output
    assert (type(called), called.output, called.status, called.approval_request_id) == (McpCall, "5", "completed", request.id)
    assert message.content[0].text == "Done"


@pytest.mark.anyio
async def test_it_is_the_same_without_blocking_and_streamed(async_client, model, served):
    model.script(say(call("mcp__python__add", {"a": 2, "b": 3})), says("Done"))
    fields = {"model": served, "tools": [mcp(require_approval="always")]}
    async with async_client.responses.stream(input=QUESTION, **fields) as stream:
        first = await stream.get_final_response()
    request = first.output[-1]
    async with async_client.responses.stream(previous_response_id=first.id, input=[answer(request, True)], **fields) as stream:
        done = [event.item async for event in stream if event.type == "response.output_item.done"]
    assert [item.type for item in done] == ["mcp_call", "message"]
    assert (request.type, done[0].output, done[0].approval_request_id) == ("mcp_approval_request", "5", request.id)


def test_an_approved_call_runs_without_the_server_keeping_anything(client, model, served):
    first = asked(client, served, model, store=False)
    request = first.output[-1]
    context = [{"role": "user", "content": QUESTION}, *first.output, answer(request, True)]
    called, message = asked(client, served, input=context, store=False).output
    assert (called.output, called.approval_request_id, message.content[0].text) == ("5", request.id, "Done")


def test_arguments_that_were_edited_inline_are_refused(client, model):
    first = asked(client, "demo", model, store=False)
    request = first.output[-1]
    edited = {**request.to_dict(), "arguments": '{"a": 1000, "b": 3}'}
    context = [{"role": "user", "content": QUESTION}, first.output[0], edited, answer(request, True)]
    with pytest.raises(openai.BadRequestError):
        asked(client, "demo", input=context, store=False)


def test_a_denied_call_does_not_run_and_the_model_reads_why(client, model, served):
    first = asked(client, served, model)
    denied = [answer(first.output[-1], False, reason="Not on a Sunday")]
    second = asked(client, served, previous_response_id=first.id, input=denied)
    assert [(item.type, item.content[0].text) for item in second.output] == [("message", "Done")]
    [told] = model.requests()[1].outputs
    assert "Not on a Sunday" in told


def test_a_call_that_nobody_answers_does_not_run_until_somebody_does(client, model, served):
    first = asked(client, served, model)
    model.script(says("Then so"))
    second = asked(client, served, previous_response_id=first.id, input="Never mind")
    assert (["message"], ["Not executed: the user has not approved this call."]) == (
        [item.type for item in second.output], model.requests()[1].outputs,
    )
    late = asked(client, served, previous_response_id=second.id, input=[answer(first.output[-1], True)])
    assert (late.output[0].output, late.output[0].approval_request_id) == ("5", first.output[-1].id)


def test_an_approval_is_used_once(client, model):
    first = asked(client, "demo", model)
    approved = [answer(first.output[-1], True)]
    asked(client, "demo", previous_response_id=first.id, input=approved)
    with pytest.raises(openai.BadRequestError):
        asked(client, "demo", previous_response_id=first.id, input=approved)


def test_an_approval_of_nothing_is_refused(client, model):
    lonely = {"type": "mcp_approval_response", "approval_request_id": "mcpr_nobody", "approve": True}
    with pytest.raises(openai.BadRequestError):
        asked(client, "demo", input=[lonely])
    assert model.requests() == []


def test_parallel_calls_are_approved_one_by_one(client, model, served):
    sums = [call("mcp__python__add", {"a": 1, "b": 1}, "a"), call("mcp__python__add", {"a": 2, "b": 2}, "b")]
    model.script(say(*sums), says("Done"))
    first = asked(client, served)
    one, other = [item for item in first.output if isinstance(item, McpApprovalRequest)]
    second = asked(client, served, previous_response_id=first.id, input=[answer(other, True), answer(one, False)])
    ran = [(item.output, item.approval_request_id) for item in second.output if isinstance(item, McpCall) and item.output]
    assert ran == [("4", other.id)]


FOR_OTHERS = [
    {"never": {"tool_names": ["add"]}},
    {"never": {"tool_names": ["add"]}, "always": {"tool_names": ["slow"]}},
]


@pytest.mark.parametrize("approval", FOR_OTHERS, ids=["never", "both"])
def test_a_tool_that_needs_no_approval_runs_at_once(client, model, served, approval):
    response = asked(client, served, model, tools=[mcp(require_approval=approval)])
    assert [item.type for item in response.output] == ["mcp_list_tools", "mcp_call", "message"]


def test_a_tool_that_is_named_for_approval_waits(client, model, served):
    response = asked(client, served, model, tools=[mcp(require_approval={"always": {"tool_names": ["add"]}})])
    assert isinstance(response.output[-1], McpApprovalRequest)


def test_a_request_cannot_loosen_what_the_server_asks_for(client, model, served):
    response = asked(client, served, model, label="guarded", tools=[mcp("guarded", require_approval="never")])
    assert isinstance(response.output[-1], McpApprovalRequest)


def test_a_request_for_approval_is_read_again_with_its_answer(client, model, served):
    first = asked(client, served, model)
    request = first.output[-1]
    second = asked(client, served, previous_response_id=first.id, input=[answer(request, True)])
    assert client.responses.retrieve(first.id).output[-1].to_dict() == request.to_dict()
    items = list(client.responses.input_items.list(second.id, order="asc"))
    assert [item.type for item in items] == ["message", "mcp_list_tools", "mcp_approval_request", "mcp_approval_response"]
    assert (items[3].approval_request_id, items[3].approve) == (request.id, True)


@pytest.mark.parametrize("law", laws.ALL, ids=lambda law: law.__name__)
def test_a_stream_that_ends_in_a_request_is_lawful(client, model, served, law):
    law([event.to_dict() for event in asked(client, served, model, stream=True)])


def test_chat_completions_cannot_ask_and_say_so(client, model):
    messages = [{"role": "user", "content": QUESTION}]
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(model="demo", messages=messages, tools=[mcp(require_approval="always")])
    assert (caught.value.code, caught.value.param) == ("unsupported_value", "tools")
    assert model.requests() == []
