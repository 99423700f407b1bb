"""A server of the Python SDK, which speaks both eras on one port: server.py PORT [json]."""

import sys

import anyio
from mcp.server import MCPServer
from mcp.server.mcpserver import Context

server = MCPServer("python-sdk")


@server.tool()
def add(a: int, b: int) -> int:
    """Adds two numbers."""
    return a + b


@server.tool()
def fail() -> str:
    """Fails."""
    raise ValueError("the disk is on fire")


@server.tool()
async def slow(steps: int, pause: float, context: Context) -> str:
    """Reports progress."""
    for step in range(1, steps + 1):
        await anyio.sleep(pause)
        await context.report_progress(step, steps, f"step {step}")
    return "done"


port, form = int(sys.argv[1]), sys.argv[2:]
anyio.run(lambda: server.run_streamable_http_async(host="127.0.0.1", port=port, json_response="json" in form))
