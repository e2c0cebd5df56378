"""Run inside lab nodes: many TCP connections at once, and what becomes of them.

    python talk.py serve PORT
    python talk.py talk ADDRESS PORT ECHO BULK [INTERVAL]

`serve` echoes what it gets on connections that begin with ``e``, and sends an endless stream, 16 KiB every 20 ms,
on those that begin with ``b``. `talk` opens ECHO and BULK of them, says ``running``, and keeps every echo
connection busy: one message at a time, the next one INTERVAL seconds (default 0.2) after the answer.

Each line on standard input of `talk` is a roll call: it is answered, as JSON, once every connection has got an
answer to a message sent after it, or has failed, or PATIENCE has passed::

    {"echo": alive, "bulk": alive, "reset": n, "stall": seconds, "bulk_stall": seconds}

``stall`` is the longest wait for an answer since the last roll call, ``bulk_stall`` the longest silence of a
stream. It ends with its standard input.
"""

from __future__ import annotations

import contextlib
import json
import resource
import select
import socket
import sys
import time
from collections import deque

PATIENCE = 12.0
MESSAGE = b"x" * 32
CHUNK = b"y" * 16384
PACE = 0.02


def more_files() -> None:
    """A connection is a file, and the usual limit is 1,024."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 65536), hard))


class Server:
    """The side that answers."""

    def __init__(self, port: int) -> None:
        self.listener = socket.create_server(("", port), backlog=4096)
        self.listener.setblocking(False)
        self.poll = select.epoll()
        self.poll.register(self.listener, select.EPOLLIN)
        self.poll.register(sys.stdin, select.EPOLLIN | select.EPOLLHUP)
        self.peers: dict[int, socket.socket] = {}
        self.streams: set[int] = set()

    def run(self) -> None:
        due = time.monotonic() + PACE
        while True:
            for number, _ in self.poll.poll(max(0.0, due - time.monotonic())):
                if number == sys.stdin.fileno():
                    return
                if number == self.listener.fileno():
                    self.accept()
                else:
                    self.answer(number)
            if time.monotonic() >= due:
                due = max(due + PACE, time.monotonic())
                self.stream()

    def accept(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while True:
                peer, _ = self.listener.accept()
                peer.setblocking(False)
                self.peers[peer.fileno()] = peer
                self.poll.register(peer, select.EPOLLIN)

    def answer(self, number: int) -> None:
        try:
            data = self.peers[number].recv(4096)
            if data[:1] == b"b":
                self.streams.add(number)
            elif data:
                self.peers[number].send(data)
            else:
                self.leave(number)
        except OSError:
            self.leave(number)

    def stream(self) -> None:
        for number in tuple(self.streams):
            try:
                self.peers[number].send(CHUNK)
            except BlockingIOError:
                continue
            except OSError:
                self.leave(number)

    def leave(self, number: int) -> None:
        self.streams.discard(number)
        self.peers.pop(number).close()


class Talk:
    """The connecting side."""

    def __init__(self, address: str, port: int, interval: float) -> None:
        self.target = (address, port)
        self.interval = interval
        self.poll = select.epoll()
        self.peers: dict[int, socket.socket] = {}
        self.sent: dict[int, float] = {}
        """When the message was sent that waits for its answer; of streams, when something came last."""
        self.streams: set[int] = set()
        self.proven: dict[int, float] = {}
        """When the last answered message was sent, or something came last."""
        self.resets = 0
        self.stall = self.bulk_stall = 0.0
        self.queue: deque[tuple[float, int]] = deque()

    def open(self, kind: bytes) -> None:
        peer = socket.create_connection(self.target, timeout=20)
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        peer.send(kind)
        if kind == b"e":
            peer.recv(1)
        peer.setblocking(False)
        number = peer.fileno()
        self.peers[number] = peer
        self.proven[number] = time.monotonic()
        if kind == b"b":
            self.streams.add(number)

    def begin(self) -> None:
        now = time.monotonic()
        for place, number in enumerate(self.peers):
            self.poll.register(number, select.EPOLLIN)
            if number in self.streams:
                self.sent[number] = now
            else:
                self.queue.append((now + self.interval * place / len(self.peers), number))

    def fail(self, number: int) -> None:
        self.resets += 1
        self.sent.pop(number, None)
        self.streams.discard(number)
        self.peers.pop(number).close()

    def heard(self, number: int, now: float) -> None:
        try:
            data = self.peers[number].recv(262144)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.fail(number)
        elif number in self.streams:
            self.bulk_stall = max(self.bulk_stall, now - self.sent[number])
            self.sent[number] = self.proven[number] = now
        else:
            sent = self.sent.pop(number)
            self.stall = max(self.stall, now - sent)
            self.proven[number] = sent
            self.queue.append((now + self.interval, number))

    def speak(self, now: float) -> None:
        while self.queue and self.queue[0][0] <= now:
            _, number = self.queue.popleft()
            if number not in self.peers:
                continue
            try:
                self.peers[number].send(MESSAGE)
                self.sent[number] = time.monotonic()
            except OSError:
                self.fail(number)

    def report(self, since: float, now: float) -> str:
        alive = [number for number in self.peers if self.proven[number] > since]
        waiting = [now - at for number, at in self.sent.items() if number not in self.streams]
        silent = [now - self.sent[number] for number in self.streams]
        told = {
            "echo": sum(number not in self.streams for number in alive),
            "bulk": sum(number in self.streams for number in alive),
            "reset": self.resets,
            "stall": max([self.stall, *waiting]),
            "bulk_stall": max([self.bulk_stall, *silent]),
        }
        self.stall = self.bulk_stall = 0.0
        return json.dumps(told)

    def run(self) -> None:
        self.poll.register(sys.stdin, select.EPOLLIN | select.EPOLLHUP)
        called: float | None = None
        while True:
            now = time.monotonic()
            self.speak(now)
            wait = 0.05 if called is not None or not self.queue else min(0.05, max(0.0, self.queue[0][0] - now))
            for number, _ in self.poll.poll(wait):
                if number == sys.stdin.fileno():
                    if not sys.stdin.readline():
                        return
                    called = time.monotonic()
                elif number in self.peers:
                    self.heard(number, time.monotonic())
            now = time.monotonic()
            if called is not None and (
                now > called + PATIENCE or all(self.proven[number] > called for number in self.peers)
            ):
                print(self.report(called, now), flush=True)
                called = None


def main() -> None:
    more_files()
    if sys.argv[1] == "serve":
        server = Server(int(sys.argv[2]))
        print("running", flush=True)
        server.run()
        return
    talk = Talk(sys.argv[2], int(sys.argv[3]), float(sys.argv[6]) if len(sys.argv) > 6 else 0.2)
    for kind, count in ((b"e", int(sys.argv[4])), (b"b", int(sys.argv[5]))):
        for _ in range(count):
            talk.open(kind)
    talk.begin()
    print("running", flush=True)
    talk.run()


main()
