"""Output and arguments that follow a schema, read by the SDK's `parse`."""

import openai
import pytest

from scripts import call, say, says
from tools import Plan


def test_a_form_is_read_from_the_answer(client, model, served):
    model.script(says('{"city": "Rome", "days": 3}'))
    response = client.responses.parse(model=served, input="Plan", text_format=Plan)
    assert response.output_parsed == Plan(city="Rome", days=3)


@pytest.mark.anyio
async def test_the_asynchronous_client_reads_a_form(async_client):
    response = await async_client.responses.parse(model="demo", input="Plan 3 days in Rome", text_format=Plan)
    assert response.output_parsed == Plan(city="Rome", days=3)


def test_the_form_reaches_the_model_nested_as_chat_wants_it(client, model):
    client.responses.parse(model="demo", input="Plan 3 days in Rome", text_format=Plan)
    sent = model.requests()[0].json["response_format"]
    assert (sent["type"], sent["json_schema"]["name"], sent["json_schema"]["strict"]) == ("json_schema", "Plan", True)


def test_the_form_is_echoed_flat(client, served):
    echo = client.responses.parse(model=served, input="Plan 3 days in Rome", text_format=Plan).text.format
    assert (echo.type, echo.name, echo.strict, sorted(echo.schema_["properties"])) == (
        "json_schema", "Plan", True, ["city", "days"],
    )


def test_arguments_are_read_as_the_form_of_the_tool(client, model, served):
    model.script(say(call("Plan", {"city": "Rome", "days": 3})))
    tools = [openai.pydantic_function_tool(Plan)]
    [item] = client.responses.parse(model=served, input="Plan", tools=tools).output
    assert item.parsed_arguments == Plan(city="Rome", days=3)


def test_json_without_a_schema_is_asked_of_the_model(client, model):
    client.responses.create(model="demo", input="Say it in JSON", text={"format": {"type": "json_object"}})
    assert model.requests()[0].json["response_format"] == {"type": "json_object"}
