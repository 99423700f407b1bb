"""The Responses API with openai-python: plain, streamed, chained, with a function."""

import json
import os

from openai import OpenAI

MODEL = os.environ.get("FAIRLEAD_MODEL", "demo")
client = OpenAI(
    base_url=os.environ.get("FAIRLEAD_BASE_URL", "http://localhost:8080/v1"),
    api_key=os.environ.get("FAIRLEAD_API_KEY", "unused"),
)

WEATHER = {
    "type": "function",
    "name": "get_weather",
    "description": "The weather of a city.",
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
        "additionalProperties": False,
    },
    "strict": True,
}


def get_weather(city: str) -> str:
    return f"22 degrees and sunny in {city}"


def plain() -> str:
    response = client.responses.create(model=MODEL, input="Hello from Python")
    print("plain:   ", response.output_text)
    return response.id


def streamed() -> None:
    print("streamed: ", end="")
    with client.responses.stream(model=MODEL, input="Hello in pieces") as stream:
        for event in stream:
            if event.type == "response.output_text.delta":
                print(event.delta, end="", flush=True)
        print(f" ({stream.get_final_response().usage.total_tokens} tokens)")


def chained(previous: str) -> None:
    """The server keeps the conversation; the client sends only what is new."""
    response = client.responses.create(model=MODEL, input="What did I say?", previous_response_id=previous)
    print("chained: ", response.output_text)


def function() -> None:
    """The model asks for a function, the client runs it and sends its result."""
    asked = client.responses.create(model=MODEL, input="How is the weather in Paris?", tools=[WEATHER])
    results = []
    for call in (item for item in asked.output if item.type == "function_call"):
        output = get_weather(**json.loads(call.arguments))
        print(f"function: {call.name}({call.arguments}) = {output}")
        results.append({"type": "function_call_output", "call_id": call.call_id, "output": output})
    response = client.responses.create(model=MODEL, input=results, previous_response_id=asked.id, tools=[WEATHER])
    print("function:", response.output_text)


if __name__ == "__main__":
    first = plain()
    streamed()
    chained(first)
    function()
