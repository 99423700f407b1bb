"""Mistakes and faults as the SDK's exceptions, with code and param."""

import openai
import pytest

from scripts import refuses
from tools import function

UNKNOWN = "resp_" + "0" * 48

MISTAKES = {
    "no model": ({"model": openai.omit}, "missing_required_parameter", "model"),
    "model is a number": ({"model": 1}, "invalid_type", "model"),
    "no input": ({"input": openai.omit}, "missing_required_parameter", None),
    "empty input": ({"input": ""}, "missing_required_parameter", None),
    "input is a number": ({"input": 7}, "invalid_type", "input"),
    "unknown role": ({"input": [{"role": "king", "content": "x"}]}, "invalid_value", "input[0].role"),
    "too hot": ({"temperature": 3}, "decimal_above_max_value", "temperature"),
    "too few tokens": ({"max_output_tokens": 1}, "integer_below_min_value", "max_output_tokens"),
    "unknown include": ({"include": ["everything"]}, "invalid_value", "include[0]"),
    "metadata of numbers": ({"metadata": {"a": 1}}, "invalid_type", "metadata.a"),
    "long metadata": ({"metadata": {"a": "x" * 513}}, "string_above_max_length", "metadata.a"),
    "unknown tool": ({"tools": [{"type": "teleport"}]}, "invalid_value", "tools[0].type"),
    "no name": ({"tools": [{"type": "function"}]}, "missing_required_parameter", "tools[0].name"),
    "no sandbox": ({"tools": [{"type": "code_interpreter"}]}, "unsupported_value", "tools[0].type"),
    "schema without name": (
        {"text": {"format": {"type": "json_schema", "schema": {}}}}, "missing_required_parameter", "text.format.name",
    ),
    "unknown response": ({"previous_response_id": UNKNOWN}, "previous_response_not_found", "previous_response_id"),
    "wrong item": ({"input": [{"id": "x", "role": "user", "content": "x"}]}, "invalid_value", "input[0].id"),
    "wrong part": (
        {"input": [{"role": "assistant", "content": [{"type": "input_text", "text": "x"}]}]},
        "invalid_value", "input[0].content[0]",
    ),
    "no search": ({"tools": [{"type": "web_search"}]}, "unsupported_value", "tools[0].type"),
    "wrong prefix": ({"previous_response_id": "msg_1"}, "invalid_value", "previous_response_id"),
}


@pytest.mark.parametrize("streamed", [False, True], ids=["buffered", "streamed"])
@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_a_bad_request_that_names_it(client, mistake, streamed):
    fields, code, param = MISTAKES[mistake]
    with pytest.raises(openai.BadRequestError) as caught:
        create(client, streamed, fields)
    assert (caught.value.code, caught.value.param) == (code, param), caught.value.message


def create(client, streamed, fields):
    body = {"model": "demo", "input": "Hello", **fields}
    body = {key: value for key, value in body.items() if value is not openai.omit}
    client.post("/responses", body={**body, "stream": streamed}, cast_to=object)


def test_a_mistake_is_found_before_the_model_is_asked(client, model):
    with pytest.raises(openai.BadRequestError):
        client.responses.create(model="demo", input="Hello", temperature=3)
    assert model.requests() == []


def test_the_body_of_an_error_has_all_four_keys(client):
    with pytest.raises(openai.BadRequestError) as caught:
        client.responses.create(model="demo", input="Hello", temperature=3)
    assert list(caught.value.body) == ["message", "type", "param", "code"]


def test_two_states_exclude_each_other(client):
    with pytest.raises(openai.BadRequestError) as caught:
        client.responses.create(model="demo", input="x", previous_response_id=UNKNOWN, conversation="conv_1")
    assert caught.value.code == "mutually_exclusive_parameters"


@pytest.mark.parametrize("name", ["nobody", "nobody@demo"])
def test_an_unknown_model_is_not_found(client, name):
    with pytest.raises(openai.NotFoundError) as caught:
        client.responses.create(model=name, input="Hello")
    assert (caught.value.code, caught.value.param) == ("model_not_found", "model")


def test_an_unknown_response_is_not_found(client):
    with pytest.raises(openai.NotFoundError) as caught:
        client.responses.retrieve(UNKNOWN)
    assert (caught.value.type, caught.value.code) == ("invalid_request_error", None)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"conversation": "conv_nobody"}, "Conversation with id 'conv_nobody' not found."),
        ({"prompt": {"id": "pmpt_nobody"}}, "Prompt with id 'pmpt_nobody' not found."),
        ({"input": [{"type": "item_reference", "id": "msg_nobody"}]}, "Item with id 'msg_nobody' not found."),
    ],
    ids=["conversation", "prompt", "item"],
)
def test_a_reference_to_nothing_is_not_found(client, fields, message):
    with pytest.raises(openai.NotFoundError) as caught:
        client.responses.create(model="demo", **{"input": "Hello", **fields})
    assert caught.value.body["message"].startswith(message)


def test_a_response_that_was_not_in_the_background_cannot_be_streamed_again(client):
    created = client.responses.create(model="demo", input="Hello")
    with pytest.raises(openai.BadRequestError) as caught:
        client.responses.retrieve(created.id, stream=True)
    assert caught.value.param == "stream"


def test_an_unknown_path_is_named(client):
    with pytest.raises(openai.NotFoundError) as caught:
        client.fine_tuning.jobs.list()
    assert caught.value.body["message"] == "Invalid URL (GET /v1/fine_tuning/jobs)"


def test_an_operation_that_is_not_served_is_not_found(client):
    with pytest.raises(openai.NotFoundError) as caught:
        client.responses.compact(model="demo", input="Hello")
    assert caught.value.type == "invalid_request_error"


def test_a_choice_of_a_tool_that_is_not_offered_is_refused(client):
    choice = {"type": "function", "name": "get_time"}
    with pytest.raises(openai.BadRequestError) as caught:
        client.responses.create(model="demo", input="Hello", tools=[function()], tool_choice=choice)
    assert caught.value.type == "invalid_request_error"


def test_a_refusal_of_the_model_keeps_its_words(client, model, served):
    model.script(refuses(400, "This model has no eyes."))
    with pytest.raises(openai.BadRequestError) as caught:
        client.responses.create(model=served, input="Hello")
    assert caught.value.body["message"] == "This model has no eyes."


def test_a_key_that_the_provider_refuses_is_the_callers(client, model):
    model.script(refuses(401, "Incorrect API key provided.", code="invalid_api_key"))
    with pytest.raises(openai.AuthenticationError) as caught:
        client.responses.create(model="fake@demo", input="Hello")
    assert caught.value.code == "invalid_api_key"


def test_the_callers_key_reaches_the_provider(client, model, served):
    client.responses.create(model=served, input="Hello")
    assert model.requests()[0].headers["authorization"] == "Bearer key-of-the-caller"


def test_a_broken_provider_is_a_server_error(client, model, served):
    model.script(refuses(500, "the secret of the upstream", kind="server_error"))
    with pytest.raises(openai.InternalServerError) as caught:
        client.responses.create(model=served, input="Hello")
    assert (caught.value.status_code, caught.value.type) == (502, "server_error")


def test_what_a_broken_provider_says_is_not_passed_on(client, model):
    model.script(refuses(500, "the secret of the upstream", kind="server_error"))
    with pytest.raises(openai.InternalServerError) as caught:
        client.responses.create(model="demo", input="Hello")
    assert "secret" not in caught.value.response.text


def limited(kind, code):
    return refuses(429, "Slow down.", kind=kind, code=code, headers=[["retry-after", "1"]])


def test_a_limit_is_a_rate_limit_error(client, model):
    model.script(limited("requests", "rate_limit_exceeded"))
    with pytest.raises(openai.RateLimitError) as caught:
        client.responses.create(model="demo", input="Hello")
    assert caught.value.code == "rate_limit_exceeded"


def test_a_limit_says_when_to_try_again(client, model):
    model.script(limited("requests", "rate_limit_exceeded"))
    with pytest.raises(openai.RateLimitError) as caught:
        client.responses.create(model="demo", input="Hello")
    headers = caught.value.response.headers
    assert (headers.get("retry-after"), "retry-after-ms" in headers) == ("1", True)


def test_a_spent_quota_is_not_tried_again(client, model):
    model.script(limited("insufficient_quota", "insufficient_quota"))
    with pytest.raises(openai.RateLimitError):
        client.with_options(max_retries=2).responses.create(model="demo", input="Hello")
    assert len(model.requests()) == 1
