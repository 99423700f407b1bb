"""An MCP server on standard streams, without any library: stdio.py. Its tools tell what it sees, and end it."""

import json
import os
import sys

TOOLS = {
    "environment": lambda arguments: json.dumps(dict(os.environ)),
    "process": lambda arguments: str(os.getpid()),
    "crash": lambda arguments: os._exit(3),
}


def listed(name):
    return {"name": name, "description": f"The tool {name}.", "inputSchema": {"type": "object", "properties": {}}}


def answer(method, params):
    if method == "initialize":
        info = {"name": "stdio", "version": "1"}
        return {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "serverInfo": info}
    if method == "tools/list":
        return {"tools": [listed(name) for name in TOOLS]}
    if method == "tools/call":
        text = TOOLS[params["name"]](params.get("arguments"))
        return {"content": [{"type": "text", "text": text}]}
    return {}


print("started with", sys.argv[1:], file=sys.stderr, flush=True)
for line in sys.stdin:
    message = json.loads(line)
    if "id" in message:
        result = answer(message["method"], message.get("params", {}))
        print(json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": result}), flush=True)
