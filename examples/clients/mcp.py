"""A tool of a remote MCP server with openai-python: the model asks, you approve or deny, the server calls.

`FAIRLEAD_MCP_LABEL` names a server that is offered (an MCPServer); `FAIRLEAD_MCP_URL` brings one of your own.
"""

import os

from openai import OpenAI

MODEL = os.environ.get("FAIRLEAD_MODEL", "demo")
client = OpenAI(
    base_url=os.environ.get("FAIRLEAD_BASE_URL", "http://localhost:8080/v1"),
    api_key=os.environ.get("FAIRLEAD_API_KEY", "unused"),
)

SERVER = {"type": "mcp", "server_label": os.environ.get("FAIRLEAD_MCP_LABEL", "everything")}
if "FAIRLEAD_MCP_URL" in os.environ:
    SERVER["server_url"] = os.environ["FAIRLEAD_MCP_URL"]


def ask(question: str) -> None:
    response = client.responses.create(model=MODEL, input=question, tools=[SERVER])
    while pending := [item for item in response.output if item.type == "mcp_approval_request"]:
        answers = []
        for request in pending:
            reply = input(f"May {request.server_label} run {request.name}({request.arguments})? [y/n] ")
            approve = reply.strip().lower().startswith("y")
            answers.append(
                {"type": "mcp_approval_response", "approval_request_id": request.id, "approve": approve}
            )
        response = client.responses.create(
            model=MODEL, input=answers, previous_response_id=response.id, tools=[SERVER]
        )
    for item in response.output:
        if item.type == "mcp_call":
            print(f"call:   {item.name}({item.arguments}) = {item.output or item.error}")
    print("answer:", response.output_text)


if __name__ == "__main__":
    ask(os.environ.get("FAIRLEAD_QUESTION", "What is 2 + 3? Use the tool."))
