"""Frames between the loop and a worker, and what a client sends: however it is split on its way, it is the same."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.loop import channel
from agent.loop.channel import HEAD, Channel, Frame, Garbled
from agent.loop.conversation import Client
from agent.words.requests import Go, document
from agent.words.result import Result, read_result
from agent.words.shapes import Unreadable

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
frames = st.lists(st.dictionaries(st.text(), values, max_size=3), max_size=5)


def packed(frame: Any) -> bytes:
    text = json.dumps(frame).encode()
    return HEAD.pack(len(text)) + text


@given(frames, st.data())
def test_frames_are_the_same_at_whichever_bytes_they_are_split(sent: list[Frame], data: st.DataObject) -> None:
    left, heard = b"".join(map(packed, sent)), list[Frame]()
    ours, its = socket.socketpair()
    with ours, its:
        ours.setblocking(False)
        one = Channel(ours)
        while left:
            size = data.draw(st.integers(1, len(left)))
            its.sendall(left[:size])
            left = left[size:]
            assert one.read()
            heard += one.frames()
        assert heard == sent
        # Nothing has come, which is no end.
        assert one.read()
        its.close()
        assert not one.read()
        assert [*one.frames()] == []


@given(frames)
def test_what_one_end_sends_the_other_one_receives_and_then_its_end(sent: list[Frame]) -> None:
    ours, its = socket.socketpair()
    with ours, its:
        for frame in sent:
            Channel(its).send(frame)
        its.close()
        one = Channel(ours)
        assert [one.receive() for _ in sent] == sent
        assert one.receive() is None


@pytest.mark.parametrize(
    ("bytes_", "why"),
    [
        (HEAD.pack(channel.LONGEST + 1), "longer than any"),
        (HEAD.pack(3) + b"no!", "no JSON"),
        (HEAD.pack(2) + b"\xff\xfe", "no JSON"),
        (packed([1, 2]), "is none"),
        (packed(7), "is none"),
        (packed({"well": 1}) + HEAD.pack(1) + b"x", "no JSON"),
    ],
)
def test_what_is_no_frame_is_known_as_none_and_what_came_before_it_is_heard(bytes_: bytes, why: str) -> None:
    ours, its = socket.socketpair()
    with ours, its:
        its.sendall(bytes_)
        one, heard = Channel(ours), list[Frame]()
        one.read()
        with pytest.raises(Garbled, match=why):
            heard.extend(one.frames())
        assert heard in ([], [{"well": 1}])


@pytest.fixture
def pair() -> Iterator[tuple[Channel, Channel]]:
    """Both ends."""
    ours, its = socket.socketpair()
    one, other = Channel(ours), Channel(its)
    yield one, other
    one.close()
    other.close()


def test_descriptors_go_along_and_are_whoever_takes_them_s(pair: tuple[Channel, Channel]) -> None:
    reads, writes = os.pipe()
    pair[1].send({"keep": "both"}, [reads, writes])
    os.close(reads)
    os.close(writes)
    assert pair[0].receive() == {"keep": "both"}
    reads, writes = pair[0].handed()
    assert pair[0].handed() == []
    os.write(writes, b"hello")
    assert os.read(reads, 10) == b"hello"
    assert not os.get_inheritable(reads)
    os.close(reads)
    os.close(writes)


def test_descriptors_that_nobody_has_taken_are_closed_with_their_channel(pair: tuple[Channel, Channel]) -> None:
    reads, writes = os.pipe()
    pair[1].send({"keep": "it"}, [writes])
    os.close(writes)
    assert pair[0].receive() == {"keep": "it"}
    pair[0].close()
    # Nobody holds its other end any more.
    assert os.read(reads, 1) == b""
    os.close(reads)


@given(st.text(), st.data())
def test_a_request_is_the_same_at_whichever_bytes_it_is_split(deploy: str, data: st.DataObject) -> None:
    request = Go(deploy, "code", "code")
    left = document(request, "django").encode() + b"\n"
    ours, its = socket.socketpair()
    with ours, its:
        client = Client(its, lambda _: None)
        while left:
            assert client.request is None
            size = data.draw(st.integers(1, len(left)))
            ours.sendall(left[:size])
            left = left[size:]
            heard = client.hear()
        assert heard == client.request == request
        # It asks for one thing.
        ours.sendall(document(request, "django").encode() + b"\n")
        assert client.hear() is None
        assert not client.is_closed


def test_who_sends_without_end_is_left() -> None:
    ours, its = socket.socketpair()
    with ours, its:
        ours.setblocking(False)
        left: list[socket.socket] = []
        client = Client(its, left.append)
        sent = 0
        while not client.is_closed:
            sent += ours.send(b"x" * 100_000)
            assert client.hear() is None
            assert sent < 100_000_000
        assert left == [its]


def test_who_reads_nothing_is_left_before_that_fills_the_memory() -> None:
    ours, its = socket.socketpair()
    with ours, its:
        client = Client(its, lambda _: None)
        for _ in range(100_000):
            client.tell("x" * 10_000)
            if client.is_closed:
                break
        assert client.is_closed
        assert not client.is_behind


def test_what_can_not_be_read_is_said_so_and_may_be_answered() -> None:
    ours, its = socket.socketpair()
    with ours, its:
        client = Client(its, lambda _: None)
        ours.sendall(b"\xff\xfe{}\n")
        with pytest.raises(Unreadable):
            client.hear()
        client.end(Result(False))
        assert client.is_closed
        assert read_result(ours.recv(10_000).decode().split("\n")[:-1]) == Result(False)
