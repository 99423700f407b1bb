"""A search in the web with openai-python: the server searches and opens pages, the answer cites what it uses.

The gateway has to name a search engine (`spec.tools.webSearch` of the ResponsesGateway), and the model has to be a real one.
"""

import os

from openai import OpenAI

MODEL = os.environ.get("FAIRLEAD_MODEL", "smart")
client = OpenAI(
    base_url=os.environ.get("FAIRLEAD_BASE_URL", "http://localhost:8080/v1"),
    api_key=os.environ.get("FAIRLEAD_API_KEY", "unused"),
)


def ask(question: str) -> None:
    response = client.responses.create(
        model=MODEL,
        input=question,
        tools=[{"type": "web_search", "search_context_size": "low"}],
        include=["web_search_call.action.sources"],
    )
    for item in response.output:
        if item.type == "web_search_call":
            print(f"call:   {item.action.to_dict()}")
        if item.type == "message":
            for part in item.content:
                print("answer:", part.text)
                for citation in part.annotations:
                    print(f"cited:  {citation.title} <{citation.url}>")


if __name__ == "__main__":
    ask(os.environ.get("FAIRLEAD_QUESTION", "What is new in Kubernetes this month?"))
