"""Scripts for the model server, as the JSON that it reads."""

import json


def say(*parts, **options):
    """The model says these parts; options: `finish`, `usage`, `pace_ms`, `without_done`, `cut`."""
    return {"reply": {"say": {"parts": list(parts), **options}}}


def text(*chunks):
    return {"text": list(chunks)}


def reasoning(*chunks):
    return {"reasoning": list(chunks)}


def refusal(*chunks):
    return {"refusal": list(chunks)}


def call(name, arguments, id="call_upstream", pieces=1):
    """A call of a function; its arguments come in so many chunks."""
    whole = json.dumps(arguments)
    size = -(-len(whole) // pieces)
    return {"call": {"id": id, "name": name, "arguments": [whole[at : at + size] for at in range(0, len(whole), size)]}}


def says(*chunks):
    """The model says a text in these chunks."""
    return say(text(*chunks))


def cut(*chunks, after, ending):
    """A text that ends after so many chunks: `fin`, `reset` or `stall`."""
    return say(text(*chunks), cut={"after": after, "ending": ending})


def refuses(status, message, kind="invalid_request_error", code=None, headers=()):
    """The model's server refuses every request that comes."""
    error = {"error": {"message": message, "type": kind, "param": None, "code": code}}
    raw = {"status": status, "headers": [["content-type", "application/json"], *headers], "pieces": [json.dumps(error)]}
    return {"times": 0, "reply": {"raw": raw}}
