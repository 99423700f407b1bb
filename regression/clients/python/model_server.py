"""The scripted model server behind the proxy, controlled over HTTP."""

import json
import time
import urllib.request

from processes import NO_PROXY, Process, answers, binary, free_port, start

PATIENCE_S = 10


class Recorded:
    """A request that the proxy sent to the model."""

    def __init__(self, fields):
        self.path = fields["path"]
        self.headers = dict(fields["headers"])
        self.json = json.loads(fields["body"]) if fields["body"] else None

    @property
    def outputs(self):
        """What the model is told that its calls gave."""
        if "messages" in self.json:
            return [message["content"] for message in self.json["messages"] if message["role"] == "tool"]
        return [item["output"] for item in self.json["input"] if item.get("type") == "function_call_output"]


class ModelServer:
    """Answers as scripted, else by the demo model's rules."""

    def __init__(self, folder):
        def launch():
            self.address = f"127.0.0.1:{free_port()}"
            command = [binary("fairlead-demo-model", "FAIRLEAD_DEMO_MODEL"), "--listen", self.address]
            return Process(command, folder / "model.log", lambda: answers(f"http://{self.address}/_counts"))

        self.process = start(launch)

    @property
    def base_url(self):
        return f"http://{self.address}/v1"

    def script(self, *scripts):
        """Adds scripts; the first that matches a request is used."""
        self._call("/_script", list(scripts))

    def requests(self):
        """The requests since the last reset."""
        return [Recorded(fields) for fields in self._call("/_requests")]

    def counts(self):
        """`connections` and `open` now; `requests` and `aborted` since the start."""
        return self._call("/_counts")

    def until(self, is_wanted):
        """Waits until the counts are as wanted."""
        end = time.monotonic() + PATIENCE_S
        while not is_wanted(counts := self.counts()):
            assert time.monotonic() < end, f"the model server's counts stay at {counts}"
            time.sleep(0.01)

    def reset(self):
        """Forgets scripts and requests, and waits for what is still open."""
        self._call("/_reset", {})
        self.until(lambda counts: counts["open"] == 0)

    def stop(self):
        self.process.stop()

    def _call(self, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"http://{self.address}{path}", data=data)
        with NO_PROXY.open(request, timeout=PATIENCE_S) as reply:
            return json.load(reply)
