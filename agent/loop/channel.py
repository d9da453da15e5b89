"""Frames between the loop and a worker: what the worker has to say, and what the loop answers."""

from __future__ import annotations

import json
import os
import socket
import struct
from collections.abc import Iterator, Sequence

Frame = dict[str, object]
# A frame is as long as its first four bytes say; descriptors go along with its first byte.
HEAD = struct.Struct("!I")
# No worker has more to say at once, bytes: one of them may be the app, as far as the loop can tell.
LONGEST = 64 * 1024 * 1024
MOST_HANDED = 4
PART = 256 * 1024


class Garbled(Exception):
    """What came is no frame."""


class Channel:
    """One end of the pipe between the loop and a worker."""

    def __init__(self, pipe: socket.socket) -> None:
        self.pipe = pipe
        self._come = bytearray()
        self._handed: list[int] = []

    def send(self, frame: Frame, handed: Sequence[int] = ()) -> None:
        """Send a frame. Raises OSError.

        + handed: descriptors that go along
        """
        text = json.dumps(frame).encode()
        packed = HEAD.pack(len(text)) + text
        sent = socket.send_fds(self.pipe, [packed[:1]], list(handed)) if handed else 0
        self.pipe.sendall(packed[sent:])

    def receive(self) -> Frame | None:
        """Wait for a frame; None where none comes any more. Raises OSError, Garbled."""
        while True:
            for frame in self.frames():
                return frame
            if not self.read():
                return None

    def read(self) -> bool:
        """Read what has come. Returns whether anything can still come. Raises OSError."""
        try:
            part, handed, _, _ = socket.recv_fds(self.pipe, PART, MOST_HANDED)
        except BlockingIOError:
            return True
        for file in handed:
            # Whatever a worker starts is not to have it.
            os.set_inheritable(file, False)
        self._handed += handed
        self._come += part
        return bool(part)

    def frames(self) -> Iterator[Frame]:
        """The frames that have come whole, one after the other. Raises Garbled."""
        while len(self._come) >= HEAD.size:
            (length,) = HEAD.unpack_from(self._come)
            if length > LONGEST:
                raise Garbled("a frame that is longer than any")
            end = HEAD.size + length
            if len(self._come) < end:
                return
            text = bytes(self._come[HEAD.size : end])
            del self._come[:end]
            try:
                frame = json.loads(text)
            except ValueError:
                raise Garbled("a frame that is no JSON") from None
            if not isinstance(frame, dict):
                raise Garbled("a frame that is none")
            yield frame

    def handed(self) -> list[int]:
        """The descriptors that have come along; they are the caller's from now on."""
        given, self._handed = self._handed, []
        return given

    def close(self) -> None:
        """Close it, and what has come along with nobody to take it."""
        self.pipe.close()
        for file in self.handed():
            os.close(file)
