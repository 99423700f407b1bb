"""Real MCP servers for the proxy to call; regression/make/with_mcp.sh says where their programs are."""

import json
import os
import shutil
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from processes import NO_PROXY, Process, free_port, start

HERE = Path(__file__).parent
PROGRAMS = HERE.parent.parent / "mcp"
OBJECTS = HERE.parent / "mcp.yaml"
HELP = "is not set. To run it: regression/make/with_mcp.sh regression/clients/python/run.sh"


class McpServers:
    """Those whose programs are there, started side by side."""

    def __init__(self, folder):
        node, python = os.environ.get("FAIRLEAD_MCP_EVERYTHING"), os.environ.get("FAIRLEAD_MCP_PYTHON")
        with ThreadPoolExecutor() as pool:
            everything = pool.submit(of_node, node, folder) if node else None
            adding = pool.submit(of_python, python, "server.py", folder) if python else None
            pages = pool.submit(of_python, python, "pages.py", folder) if python else None
        self.everything, self.python, self.pages = (made and made.result() for made in (everything, adding, pages))
        # Bound and not listening: whoever calls is refused.
        self.nobody = socket.socket()
        self.nobody.bind(("127.0.0.1", 0))

    def objects(self):
        """The objects of `mcp.yaml`; one whose server is not there leads nowhere."""
        text = OBJECTS.read_text()
        nobody = f"127.0.0.1:{self.nobody.getsockname()[1]}"
        places = {"EVERYTHING": self.everything, "PYTHON": self.python, "PAGES": self.pages}
        for word, server in places.items():
            text = text.replace(f"//{word}/", f"//{server.address if server else nobody}/")
        return text.replace("//NOBODY/", f"//{nobody}/")

    def stop(self):
        self.nobody.close()
        for server in (self.everything, self.python, self.pages):
            if server:
                server.process.stop()


class McpServer:
    """A running server; `command` makes its words from a port."""

    def __init__(self, command, log):
        def launch():
            port = free_port()
            self.address = f"127.0.0.1:{port}"
            environment = {"PORT": str(port), "PYTHONDONTWRITEBYTECODE": "1"}
            return Process(command(str(port)), log, lambda: listens(port), environment)

        self.process = start(launch)

    @property
    def url(self):
        return f"http://{self.address}/mcp"

    def calls(self):
        """What was called since this was last asked; of `pages.py` only."""
        with NO_PROXY.open(f"http://{self.address}/_calls", timeout=10) as reply:
            return json.load(reply)


def of_node(script, folder):
    command = [shutil.which("node"), script, "streamableHttp"]
    return McpServer(lambda port: command, folder / "everything.log")


def of_python(python, program, folder):
    return McpServer(lambda port: [python, PROGRAMS / program, port], folder / f"{program}.log")


def listens(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
