"""Fixtures: one model server, MCP servers and one proxy for the session, clients for each test."""

import pytest
from openai import AsyncOpenAI, OpenAI

from mcp_servers import HELP, McpServers
from model_server import ModelServer
from proxy import Proxy

TIMEOUT_S = 30


def served_by(kind, *arguments):
    """A running server. Without it there is nothing to test, so its failure is told once."""
    try:
        return kind(*arguments)
    except RuntimeError as error:
        pytest.exit(str(error), returncode=3)


@pytest.fixture(scope="session")
def anyio_backend():
    return "asyncio"


@pytest.fixture(scope="session")
def model_server(tmp_path_factory):
    server = served_by(ModelServer, tmp_path_factory.mktemp("model"))
    yield server
    server.stop()


@pytest.fixture(scope="session")
def mcp_servers(tmp_path_factory):
    servers = served_by(McpServers, tmp_path_factory.mktemp("mcp"))
    yield servers
    servers.stop()


@pytest.fixture(scope="session")
def everything(mcp_servers):
    """server-everything of the protocol's authors."""
    return mcp_servers.everything or pytest.skip(f"FAIRLEAD_MCP_EVERYTHING {HELP}")


@pytest.fixture(scope="session")
def python_server(mcp_servers):
    """A server of the Python SDK."""
    return mcp_servers.python or pytest.skip(f"FAIRLEAD_MCP_PYTHON {HELP}")


@pytest.fixture
def pages(mcp_servers):
    """A server whose results beg, and that was not called yet."""
    server = mcp_servers.pages or pytest.skip(f"FAIRLEAD_MCP_PYTHON {HELP}")
    server.calls()
    return server


@pytest.fixture(scope="session")
def proxy(tmp_path_factory, model_server, mcp_servers):
    folder = tmp_path_factory.mktemp("proxy")
    proxy = served_by(Proxy, folder, model_server.base_url, mcp_servers.objects())
    yield proxy
    proxy.stop()


@pytest.fixture(autouse=True)
def model(model_server, proxy, request):
    """The model server, without scripts and requests of earlier tests."""
    request.node.logged_before = proxy.process.log_size()
    model_server.reset()
    return model_server


@pytest.fixture(scope="session")
def options(proxy):
    """What every client is made with: no retries of its own, and replies must fit the SDK's types."""
    return {
        "base_url": proxy.base_url,
        "api_key": "key-of-the-caller",
        "max_retries": 0,
        "timeout": TIMEOUT_S,
        "_strict_response_validation": True,
    }


@pytest.fixture(scope="session")
def client(options):
    with OpenAI(**options) as client:
        yield client


@pytest.fixture
async def async_client(options):
    async with AsyncOpenAI(**options) as client:
        yield client


@pytest.fixture(scope="session")
def lenient_client(options):
    """For replies that the SDK has no types for: extensions, and base64 where it promises floats."""
    with OpenAI(**{**options, "_strict_response_validation": False}) as client:
        yield client


@pytest.fixture(params=["demo", "native"])
def served(request):
    """A model whose provider speaks Chat Completions, and one whose provider speaks Responses."""
    return request.param


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    proxy = getattr(item, "funcargs", {}).get("proxy")
    if report.failed and proxy:
        report.sections.append(("the proxy's log", proxy.process.log(item.logged_before)))
    return report
