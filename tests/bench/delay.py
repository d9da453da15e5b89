"""A link with a long way between its ends: a TCP proxy that hands on each byte some time after it has come."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Iterator

CHUNK = 64 * 1024


class _Proxy:
    """One listening port that leads to another one."""

    def __init__(self, port: int, one_way: float) -> None:
        self._port = port
        self._one_way = one_way

    async def serve(self) -> asyncio.Server:
        """Listen on a free port of this machine."""
        return await asyncio.start_server(self._connected, "127.0.0.1", 0)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # The first byte of a connection has its way to go, too, and the answer to it.
        await asyncio.sleep(2 * self._one_way)
        there_reader, there_writer = await asyncio.open_connection("127.0.0.1", self._port)
        # A connection that is kept open for later ends with the proxy; asyncio prints whatever comes out of here.
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(self._carry(reader, there_writer), self._carry(there_reader, writer))

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry bytes one way: all of them are late, and none waits for another to be delivered."""
        queue: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
        loop = asyncio.get_running_loop()
        delivery = asyncio.create_task(_deliver(queue, writer))
        try:
            while data := await reader.read(CHUNK):
                queue.put_nowait((loop.time() + self._one_way, data))
        except ConnectionError:
            pass
        queue.put_nowait((loop.time() + self._one_way, b""))
        await delivery


async def _deliver(queue: asyncio.Queue[tuple[float, bytes]], writer: asyncio.StreamWriter) -> None:
    loop = asyncio.get_running_loop()
    try:
        while True:
            due, data = await queue.get()
            await asyncio.sleep(max(0.0, due - loop.time()))
            if not data:
                break
            writer.write(data)
            await writer.drain()
        writer.close()
    except ConnectionError:
        pass


@contextlib.contextmanager
def delayed(port: int, round_trip: float) -> Iterator[int]:
    """A port of this machine that leads to another one by a long way.

    + round_trip: the time there and back, seconds
    """
    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(_Proxy(port, round_trip / 2).serve())
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        asyncio.run_coroutine_threadsafe(_close(server), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _close(server: asyncio.Server) -> None:
    """Let nobody in any more, and drop what is on its way."""
    server.close()
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
