"""An agent of the OpenAI Agents SDK, by the Responses API, with a function that runs here."""

import asyncio
import os

from agents import Agent, OpenAIResponsesModel, Runner, function_tool, set_tracing_disabled
from openai import AsyncOpenAI

MODEL = os.environ.get("FAIRLEAD_MODEL", "demo")
client = AsyncOpenAI(
    base_url=os.environ.get("FAIRLEAD_BASE_URL", "http://localhost:8080/v1"),
    api_key=os.environ.get("FAIRLEAD_API_KEY", "unused"),
)
# The SDK would send traces to OpenAI.
set_tracing_disabled(True)


@function_tool
def get_weather(city: str) -> str:
    """The weather of a city."""
    print(f"get_weather({city!r}) runs in this process")
    return f"22 degrees and sunny in {city}"


async def main() -> None:
    agent = Agent(
        name="Forecaster",
        instructions="Answer in one sentence.",
        model=OpenAIResponsesModel(model=MODEL, openai_client=client),
        tools=[get_weather],
    )
    result = await Runner.run(agent, "How is the weather in Paris?")
    print(result.final_output)


if __name__ == "__main__":
    asyncio.run(main())
