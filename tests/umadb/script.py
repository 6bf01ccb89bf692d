"""What the UmaDB API documents, said by its Python client, unchanged, against the quipu binary.

The same sentences as in tests/script.rs, each a function with a server of its own. With REFERENCE set
to UmaDB's own server they run against that, which shows that they ask for nothing but what UmaDB does.
"""

import os
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
import threading
import uuid

from umadb import (
    AppendCondition,
    Client,
    Event,
    IntegrityError,
    Query,
    QueryItem,
    ServingStatus,
    TrackingInfo,
    TransportError,
)

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = os.environ.get("BINARY", str(ROOT / "target/debug/quipu"))
REFERENCE = os.environ.get("REFERENCE")

# How long a sentence may take, in seconds.
PATIENCE = 60


class Server:
    """A server process with a directory and a port of its own."""

    def __enter__(self):
        self.home = tempfile.TemporaryDirectory()
        self.port = 0
        if REFERENCE:  # It does not say which port it was given.
            with socket.socket() as free:
                free.bind(("127.0.0.1", 0))
                self.port = free.getsockname()[1]
        self.start()
        return self

    def __exit__(self, *_):
        self.kill()
        self.home.cleanup()

    def start(self):
        listen, data = f"127.0.0.1:{self.port}", os.path.join(self.home.name, "data")
        if REFERENCE:
            command = [REFERENCE, "--listen", listen, "--db-path", data]
        else:
            command = [BINARY, "serve", "--log-format", "json", "--listen", listen, "--data", data]
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        said = []
        for line in self.process.stdout:
            said.append(line)
            if "listening" in line:
                break
        else:
            raise AssertionError("the server does not start\n" + "".join(said))
        if self.port == 0:
            self.port = int(re.search(r'"address":"127\.0\.0\.1:(\d+)"', line).group(1))
        threading.Thread(target=self.process.stdout.read, daemon=True).start()

    def kill(self):
        self.process.kill()
        self.process.wait()

    def kill_and_restart(self):
        self.kill()
        self.start()

    def client(self, **options):
        return Client(f"http://127.0.0.1:{self.port}", **options)


def event(event_type, *tags, **more):
    return Event(event_type, event_type.encode(), tags=list(tags), **more)


def query(*items):
    return Query(items=[QueryItem(types=list(types), tags=list(tags)) for types, tags in items])


def read(client, **how):
    response = client.read(**how)
    return [each.position for each in response], response.head()


def take(subscription, count):
    return [next(subscription).position for _ in range(count)]


def refused(error, attempt):
    try:
        attempt()
    except error:
        return True
    return False


def five_events(client):
    """Two types over three tags."""
    events = [event("A", "x"), event("B", "x", "y"), event("A", "y"), event("B", "z"), event("A", "x", "y")]
    assert client.append(events) == 5


def an_empty_store_has_no_head_and_reads_as_nothing(server):
    client = server.client()
    assert client.head() is None
    for how in ({}, {"limit": 0}, {"limit": 1}, {"backwards": True}):
        assert read(client, **how) == ([], None)
    assert client.get_tracking_info("source") is None


def an_event_comes_back_as_it_was_appended(server):
    client = server.client()
    identity, pairs = uuid.uuid4(), {"b": "2", "a": "1"}
    full = Event("Full", bytes([0, 255, 10]), tags=["one", "two"], uuid=identity, metadata=pairs)
    assert client.append([full, Event("Bare", b"")]) == 2
    assert client.head() == 2
    events, head = client.read().collect_with_head()
    assert ([each.position for each in events], head) == ([1, 2], 2)
    full, bare = (each.event for each in events)
    assert (full.event_type, full.data, full.tags) == ("Full", bytes([0, 255, 10]), ["one", "two"])
    assert (str(full.uuid), full.metadata) == (str(identity), pairs)
    assert (bare.event_type, bare.data, bare.tags, bare.uuid, bare.metadata) == ("Bare", b"", [], None, {})


def a_read_selects_by_types_and_tags_from_a_place_in_either_direction(server):
    client = server.client()
    five_events(client)
    for wanted, found in [
        (query((["A"], [])), [1, 3, 5]),
        (query((["A", "B"], [])), [1, 2, 3, 4, 5]),
        (query(([], ["x"])), [1, 2, 5]),
        (query(([], ["y", "x"])), [2, 5]),
        (query((["A"], ["x", "y"])), [5]),
        (query((["B"], ["z"]), (["A"], ["x"])), [1, 4, 5]),
        (query((["C"], [])), []),
        (query(), [1, 2, 3, 4, 5]),
        (query(([], [])), [1, 2, 3, 4, 5]),
    ]:
        assert read(client, query=wanted) == (found, 5), found
        assert read(client, query=wanted, backwards=True) == (found[::-1], 5), found
    assert read(client, start=4) == ([4, 5], 5)
    assert read(client, start=6) == ([], 5)
    assert read(client, start=2, backwards=True) == ([2, 1], 5)
    assert read(client, query=query(([], ["x"])), start=2) == ([2, 5], 5)
    # With a limit, the head is the last position of the answer.
    assert read(client, limit=2) == ([1, 2], 2)
    assert read(client, limit=2, backwards=True) == ([5, 4], 4)
    assert read(client, start=6, limit=2) == ([], None)
    # A client that is gone ends its reads: keep it.
    by_two = server.client(batch_size=2)
    response = by_two.read()
    assert [len(response.next_batch()) for _ in range(4)] == [2, 2, 1, 0]


def an_append_goes_in_unless_an_event_matches_its_condition(server):
    client = server.client()
    x = query(([], ["x"]))

    def append(name, wanted, after=None):
        return client.append([event(name, "x")], condition=AppendCondition(wanted, after=after))

    assert append("A", x) == 1
    assert refused(IntegrityError, lambda: append("B", x))
    assert refused(IntegrityError, lambda: append("B", x, after=0))
    assert append("B", x, after=1) == 2
    assert append("C", query((["Z"], ["x"]))) == 3
    assert refused(IntegrityError, lambda: append("D", query(), after=2))
    assert append("D", query(), after=3) == 4
    assert client.head() == 4


def a_conditional_append_with_uuids_may_be_sent_again(server):
    client = server.client()
    condition = AppendCondition(query(([], ["x"])), after=client.head())
    events = [event("A", "x", uuid=uuid.uuid4()), event("B", "x", uuid=uuid.uuid4())]
    tracking = TrackingInfo("source", 7)
    assert client.append(events, condition=condition, tracking_info=tracking) == 2
    assert client.append(events, condition=condition, tracking_info=tracking) == 2
    another = [event("A", "x", uuid=uuid.uuid4())]
    assert refused(IntegrityError, lambda: client.append(another, condition=condition))
    server.kill_and_restart()
    client = server.client()
    assert client.append(events, condition=condition, tracking_info=tracking) == 2
    assert client.head() == 2


def a_tracked_position_increases_with_an_append_and_only_so(server):
    client = server.client()
    assert client.get_tracking_info("up") is None
    assert client.append([event("A")], tracking_info=TrackingInfo("up", 500)) == 1
    assert client.get_tracking_info("up") == 500
    for stale in (500, 499, 0):
        assert refused(IntegrityError, lambda: client.append([event("A")], tracking_info=TrackingInfo("up", stale)))
    assert refused(ValueError, lambda: client.append([event("A")], tracking_info=TrackingInfo("s" * 256, 1)))
    assert client.append([event("A")], tracking_info=TrackingInfo("up", 501)) == 2
    server.kill_and_restart()
    client = server.client()
    assert client.get_tracking_info("up") == 501
    assert refused(IntegrityError, lambda: client.append([event("A")], tracking_info=TrackingInfo("up", 501)))
    assert [each.tracking_info for each in client.read()] == [TrackingInfo("up", 500), TrackingInfo("up", 501)]


def a_subscription_goes_on_after_its_last_position_when_the_server_was_killed(server):
    client = server.client()
    five_events(client)
    everything, some = client.subscribe(), client.subscribe(query(([], ["x"])), after=1)
    assert take(everything, 5) == [1, 2, 3, 4, 5]
    assert take(some, 2) == [2, 5]
    assert client.append([event("A", "x"), event("B")]) == 7
    assert take(everything, 2) == [6, 7]
    assert take(some, 1) == [6]
    server.kill_and_restart()
    assert refused((TransportError, StopIteration, OSError), lambda: next(everything))
    client = server.client()
    everything, some = client.subscribe(after=7), client.subscribe(query(([], ["x"])), after=6)
    assert client.append([event("B"), event("A", "x")]) == 9
    assert take(everything, 2) == [8, 9]
    assert take(some, 1) == [9]


def health_is_told_for_the_server_and_for_the_service(server):
    client = server.client()
    for service in ("", "umadb.v1.DCB"):
        assert client.check_health(service) == ServingStatus.SERVING
        watch = client.watch_health(service)
        assert next(watch) == ServingStatus.SERVING
        watch.cancel()


SENTENCES = [
    an_empty_store_has_no_head_and_reads_as_nothing,
    an_event_comes_back_as_it_was_appended,
    a_read_selects_by_types_and_tags_from_a_place_in_either_direction,
    an_append_goes_in_unless_an_event_matches_its_condition,
    a_conditional_append_with_uuids_may_be_sent_again,
    a_tracked_position_increases_with_an_append_and_only_so,
    a_subscription_goes_on_after_its_last_position_when_the_server_was_killed,
    health_is_told_for_the_server_and_for_the_service,
]


def main():
    for sentence in SENTENCES:
        with Server() as server:
            # A client that waits for an event that does not come waits for ever: end the process.
            late = threading.Timer(PATIENCE, give_up, [sentence, server])
            late.daemon = True
            late.start()
            sentence(server)
            late.cancel()
        print(f"{sentence.__name__} ... ok", flush=True)


def give_up(sentence, server):
    print(f"{sentence.__name__} ... takes too long", flush=True)
    server.process.kill()
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main())
