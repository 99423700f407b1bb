"""The proxy under test, with one provider per wire format in front of the same model server."""

from processes import Process, answers, binary, free_port, start

PROVIDER = """\
apiVersion: fairlead.dev/v1alpha1
kind: ModelProvider
metadata: {{name: {name}}}
spec:
  type: OpenAI
  baseURL: {url}
  openai: {{api: {api}}}
  directModels: Allow
  callerCredentials: Allow
"""

MODEL = """\
apiVersion: fairlead.dev/v1alpha1
kind: Model
metadata: {{name: {name}}}
spec:
  modelName: {public}
  aliases: [{alias}]
  type: {kind}
  targets:
  - name: only
    providerRef: {{name: {provider}}}
    upstreamModel: {name}
"""

PROVIDERS = [("fake", "ChatCompletions"), ("direct", "Responses"), ("openai", "ChatCompletions")]
MODELS = [
    {"name": "demo", "public": "demo", "alias": "smart", "kind": "Chat", "provider": "fake"},
    {"name": "native", "public": "native", "alias": "smart-native", "kind": "Chat", "provider": "direct"},
    {"name": "team-demo", "public": "team/demo", "alias": "team/other", "kind": "Chat", "provider": "fake"},
    {"name": "embed", "public": "embed", "alias": "small-embed", "kind": "Embedding", "provider": "fake"},
]


class Proxy:
    """A running proxy with a folder of its own."""

    def __init__(self, folder, model_url, mcp_objects):
        config = folder / "config"
        config.mkdir()
        providers = [PROVIDER.format(name=name, url=model_url, api=api) for name, api in PROVIDERS]
        (config / "providers.yaml").write_text("---\n".join(providers))
        (config / "models.yaml").write_text("---\n".join(MODEL.format(**model) for model in MODELS))
        (config / "mcp.yaml").write_text(mcp_objects)

        def launch():
            self.address, admin = (f"127.0.0.1:{free_port()}" for _ in range(2))
            command = [binary("fairlead-proxy", "FAIRLEAD_PROXY"), "serve", "--listen", self.address]
            command += ["--admin-listen", admin, "--data-dir", folder / "data"]
            command += ["--config", config, "--egress-allow-loopback"]
            return Process(command, folder / "proxy.log", lambda: answers(f"http://{admin}/readyz"))

        self.process = start(launch)

    @property
    def base_url(self):
        return f"http://{self.address}/v1"

    def stop(self):
        self.process.stop()
