"""Run inside a namespace: many TCP connections that talk without pause, and what became of them.

    python talkers.py serve ADDRESS PORT
    python talkers.py talk ADDRESS PORT CONNECTIONS

`talk` says ``running`` once all are established. Each connection sends one short message every 10 ms, which the
server sends back. When standard input ends, a report as JSON: ``broken`` connections, ``retransmitted`` segments,
``stall`` (the longest time in seconds from a message to its echo).
"""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import sys
import time

EVERY = 0.01
MESSAGE = b"still here"
TCP_INFO_TOTAL_RETRANS = 100
"""Offset of tcpi_total_retrans in struct tcp_info."""


class Talk:
    """One connection."""

    def __init__(self, line: socket.socket) -> None:
        self.line = line
        self.broken = False
        self.stall = 0.0

    async def go_on(self, until: asyncio.Event) -> None:
        """Send and await the echo, again and again."""
        loop = asyncio.get_running_loop()
        while not until.is_set():
            sent = time.monotonic()
            try:
                await loop.sock_sendall(self.line, MESSAGE)
                left = len(MESSAGE)
                while left:
                    got = len(await loop.sock_recv(self.line, left))
                    if not got:
                        raise ConnectionResetError
                    left -= got
            except OSError:
                self.broken = True
                return
            self.stall = max(self.stall, time.monotonic() - sent)
            await asyncio.sleep(EVERY)

    @property
    def retransmitted(self) -> int:
        """Segments that our side had to send again."""
        info = self.line.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, TCP_INFO_TOTAL_RETRANS + 4)
        return int(struct.unpack_from("=I", info, TCP_INFO_TOTAL_RETRANS)[0])


async def talk(address: tuple[str, int], connections: int) -> None:
    talks = []
    for _ in range(connections):
        line = socket.create_connection(address, timeout=5)
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        line.setblocking(False)
        talks.append(Talk(line))
    print("running", flush=True)
    until = asyncio.Event()
    going = [asyncio.create_task(talk.go_on(until)) for talk in talks]
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    until.set()
    _, hanging = await asyncio.wait(going, timeout=2)
    for task in hanging:
        task.cancel()
    report = {
        "broken": sum(talk.broken for talk in talks) + len(hanging),
        "retransmitted": sum(talk.retransmitted for talk in talks),
        "stall": max(talk.stall for talk in talks),
    }
    print(json.dumps(report), flush=True)


async def serve(address: tuple[str, int]) -> None:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        except ConnectionError:
            writer.close()

    server = await asyncio.start_server(echo, *address)
    print("serving", flush=True)
    await server.serve_forever()


def main() -> None:
    address = sys.argv[2], int(sys.argv[3])
    asyncio.run(serve(address) if sys.argv[1] == "serve" else talk(address, int(sys.argv[4])))


main()
