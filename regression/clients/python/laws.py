"""What holds for the events of every stream of Responses; each law takes them as dictionaries."""

TERMINAL = ("response.completed", "response.incomplete", "response.failed")
TEXT_OF = {"output_text": "text", "refusal": "refusal", "reasoning_text": "text"}


def one_beginning_and_one_end(events):
    kinds = [event["type"] for event in events]
    assert kinds[0] == "response.created", kinds
    assert kinds[1] in ("response.queued", "response.in_progress"), kinds
    assert [kind for kind in kinds if kind in TERMINAL] == kinds[-1:], kinds


def numbers_without_gaps(events):
    assert [event["sequence_number"] for event in events] == list(range(len(events)))


def each_item_is_added_and_done_once(events):
    added = [identity(event) for event in events if event["type"] == "response.output_item.added"]
    done = [identity(event) for event in events if event["type"] == "response.output_item.done"]
    assert [index for index, _ in added] == list(range(len(added)))
    assert sorted(done) == added


def events_name_the_item_that_is_open(events):
    is_open = {}
    for event in events:
        if event["type"] == "response.output_item.added":
            is_open[event["output_index"]] = event["item"]["id"]
        elif event["type"] == "response.output_item.done":
            assert is_open.pop(event["output_index"]) == event["item"]["id"]
        elif "item_id" in event:
            assert is_open.get(event["output_index"]) == event["item_id"], event


def deltas_are_the_text(events):
    for item, own in done_items(events):
        for index, part in enumerate(item.get("content") or []):
            events_of_part([event for event in own if event.get("content_index") == index], part)
        if item["type"] == "function_call":
            events_of_arguments(own, item["arguments"])


def the_end_holds_what_was_done(events):
    assert events[-1]["response"]["output"] == [item for item, _ in done_items(events)]


ALL = [
    one_beginning_and_one_end,
    numbers_without_gaps,
    each_item_is_added_and_done_once,
    events_name_the_item_that_is_open,
    deltas_are_the_text,
    the_end_holds_what_was_done,
]


def identity(event):
    return event["output_index"], event["item"]["id"]


def done_items(events):
    """The done items by index, each with the events that name it."""
    done = [event for event in events if event["type"] == "response.output_item.done"]
    done.sort(key=lambda event: event["output_index"])
    return [(e["item"], [own for own in events if own.get("item_id") == e["item"]["id"]]) for e in done]


def events_of_part(own, part):
    kind, key = part["type"], TEXT_OF[part["type"]]
    deltas = [event["delta"] for event in own if event["type"] == f"response.{kind}.delta"]
    expected = ["response.content_part.added", *[f"response.{kind}.delta"] * len(deltas)]
    expected += [f"response.{kind}.done", "response.content_part.done"]
    assert [event["type"] for event in own] == expected
    assert own[0]["part"][key] == ""
    assert ["".join(deltas), own[-2][key], own[-1]["part"][key]] == [part[key]] * 3


def events_of_arguments(own, arguments):
    prefix = "response.function_call_arguments"
    deltas = [event["delta"] for event in own if event["type"] == f"{prefix}.delta"]
    assert [event["type"] for event in own] == [*[f"{prefix}.delta"] * len(deltas), f"{prefix}.done"]
    assert ["".join(deltas), own[-1]["arguments"]] == [arguments] * 2
