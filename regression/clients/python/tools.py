"""Tools and forms that the tests offer to the model."""

from pydantic import BaseModel

CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"], "additionalProperties": False}


def function(name="get_weather", **fields):
    """A function tool of Responses."""
    return {"type": "function", "name": name, "parameters": CITY, "strict": True, **fields}


def chat_function(name="get_weather"):
    """A function tool of Chat Completions."""
    return {"type": "function", "function": {"name": name, "parameters": CITY, "strict": True}}


def mcp(label="python", **fields):
    """An MCP server that is offered, whose calls wait for nobody unless told otherwise."""
    return {"type": "mcp", "server_label": label, "require_approval": "never", **fields}


def output_of(call, output):
    """What the client answers to a call."""
    return {"type": "function_call_output", "call_id": call.call_id, "output": output}


class Plan(BaseModel):
    """A form for structured output."""

    city: str
    days: int
