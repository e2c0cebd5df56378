"""What OpenSSH's own client gets from the hotwire: our subsystem with the partner's key, and nothing else."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from cluster.hotwire.entrance import STRANGERS
from cluster.hotwire.keys import OwnKey
from cluster.hotwire.protocol import PORT
from cluster.hotwire.ssh import LOGIN_TIMEOUT
from tests.support import netns
from tests.support.hotwire import End, until

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from pathlib import Path

    from tests.support.netns import Namespace

pytestmark = [
    pytest.mark.netns,
    pytest.mark.skipif(netns.why_not() is not None, reason=str(netns.why_not())),
    pytest.mark.skipif(shutil.which("ssh") is None, reason="no ssh here (make setup installs it as root)"),
]
PARTNER, SERVER, STRANGER = "127.0.0.1", "127.0.0.2", "127.0.0.9"
FORWARD = ("-N", "-o", "ExitOnForwardFailure=yes")


@pytest.fixture
def cable() -> Iterator[Namespace]:
    namespace = netns.Namespace()
    with namespace.inside():
        yield namespace
    namespace.close()


class Client:
    """OpenSSH, with the partner's key unless told otherwise."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.partner = End(directory / "partner", PARTNER, SERVER)
        self.server = End(directory / "server", SERVER, PARTNER)
        (directory / "known_hosts").write_text(f"{SERVER} {self.server.public}\n")

    async def ssh(
        self, *words: str, user: str = "utmcli", source: str = PARTNER, key: str = "", **environment: str
    ) -> tuple[int, str, bytes]:
        """Run it; exit code, standard error, standard output. What it waits for on standard input never comes."""
        key = key or str(self.directory / "partner" / "hotwire.key")
        command = [
            "ssh", "-F", "none", "-v", "-b", source, "-l", user, "-i", key,
            "-o", f"UserKnownHostsFile={self.directory / 'known_hosts'}", "-o", "StrictHostKeyChecking=yes",
            "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes", *words,
        ]  # fmt: skip
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, **environment},
        )
        out, err = await asyncio.wait_for(process.communicate(), 30)
        assert process.returncode is not None
        return process.returncode, err.decode(), out

    async def listening(self) -> None:
        async def open_there() -> bool:
            try:
                _reader, writer = await asyncio.open_connection(SERVER, PORT, local_addr=(PARTNER, 0))
            except OSError:
                return False
            writer.close()
            return True

        deadline = time.monotonic() + 20
        while not await open_there():
            assert time.monotonic() < deadline, "the hotwire does not listen"
            await asyncio.sleep(0.05)


def play(directory: Path, story: Callable[[Client], Awaitable[None]]) -> None:
    async def whole() -> None:
        client = Client(directory)
        client.server.link.configure(client.server.settings(client.partner.public))
        async with client.server.running():
            await client.listening()
            await story(client)

    asyncio.run(whole())


def test_the_partners_key_opens_the_subsystem(cable: Namespace, tmp_path: Path) -> None:
    async def story(client: Client) -> None:
        _code, err, out = await client.ssh("-s", SERVER, "utmcli-hotwire")
        assert b"hello" in out, err
        assert "Authenticated to 127.0.0.2" in err

    play(tmp_path, story)


@pytest.mark.parametrize(
    ("words", "refusal"),
    [
        ([SERVER], "shell request failed on channel 0"),
        ([SERVER, "true"], "exec request failed on channel 0"),
        (["-s", SERVER, "sftp"], "subsystem request failed on channel 0"),
        (["-tt", "-s", SERVER, "utmcli-hotwire"], "PTY allocation request failed on channel 0"),
        (["-W", "127.0.0.2:22", SERVER], "open failed: "),
        ([*FORWARD, "-R", "127.0.0.2:9999:127.0.0.2:22", SERVER], "port forwarding failed"),
        ([*FORWARD, "-R", "/tmp/utmcli-test.sock:127.0.0.2:22", SERVER], "forwarding failed"),
        ([*FORWARD, "-w", "0:0", SERVER], "failed"),
    ],
    ids=["shell", "exec", "sftp", "pty", "local-forward", "remote-forward", "unix-forward", "tunnel"],
)
def test_nothing_else_is_opened_even_with_the_partners_key(
    cable: Namespace, tmp_path: Path, words: list[str], refusal: str
) -> None:
    async def story(client: Client) -> None:
        code, err, _out = await client.ssh(*words)
        assert "Authenticated to 127.0.0.2" in err
        assert refusal in err
        assert code or "-tt" in words, err

    play(tmp_path, story)


def test_a_local_forward_and_a_socks_proxy_lead_nowhere(cable: Namespace, tmp_path: Path) -> None:
    async def through(port: int, first: bytes) -> bytes:
        reader, writer = await asyncio.open_connection(PARTNER, port)
        writer.write(first)
        got = await asyncio.wait_for(reader.read(), 10)
        writer.close()
        return got

    async def story(client: Client) -> None:
        forwards = ("-N", "-L", "127.0.0.1:7001:127.0.0.2:22", "-D", "127.0.0.1:7002", SERVER)
        proxy = asyncio.create_task(client.ssh(*forwards))
        deadline = time.monotonic() + 20
        while True:
            try:
                forwarded = await through(7001, b"")
                break
            except OSError:
                assert time.monotonic() < deadline, "ssh does not listen"
                await asyncio.sleep(0.05)
        assert b"SSH-" not in forwarded
        socks4 = b"\x04\x01" + PORT.to_bytes(2, "big") + bytes([127, 0, 0, 2]) + b"\x00"
        assert b"SSH-" not in await through(7002, socks4)
        proxy.cancel()
        await asyncio.gather(proxy, return_exceptions=True)

    play(tmp_path, story)


def test_an_agent_and_a_display_are_not_taken_along(cable: Namespace, tmp_path: Path) -> None:
    async def story(client: Client) -> None:
        agent = tmp_path / "agent"
        command = ("ssh-agent", "-D", "-a", str(agent))
        serving = await asyncio.create_subprocess_exec(*command, stdout=subprocess.DEVNULL)
        try:
            await until(agent.exists, lambda: "the agent is there")
            words = ("-A", "-Y", "-s", SERVER, "utmcli-hotwire")
            _code, err, _out = await client.ssh(*words, SSH_AUTH_SOCK=str(agent), DISPLAY=":7")
            assert "Requesting authentication agent forwarding" in err
            assert "X11 forwarding request failed on channel 0" in err
        finally:
            serving.kill()
            await serving.wait()

    play(tmp_path, story)


@pytest.mark.parametrize(
    "option",
    [
        "PreferredAuthentications=password",
        "PreferredAuthentications=keyboard-interactive",
        "PubkeyAuthentication=no",
    ],
)
def test_nobody_comes_in_without_a_key(cable: Namespace, tmp_path: Path, option: str) -> None:
    async def story(client: Client) -> None:
        code, err, _out = await client.ssh("-o", option, "-o", "BatchMode=no", "-s", SERVER, "utmcli-hotwire")
        assert code
        assert "Permission denied (publickey)" in err

    play(tmp_path, story)


@pytest.mark.parametrize("user", ["root", "admin", "nobody", ""])
def test_no_other_user_comes_in_with_the_partners_key(cable: Namespace, tmp_path: Path, user: str) -> None:
    async def story(client: Client) -> None:
        code, err, _out = await client.ssh("-s", SERVER, "utmcli-hotwire", user=user)
        assert code
        assert "Permission denied (publickey)" in err

    play(tmp_path, story)


def test_no_other_key_comes_in_and_few_may_be_tried(cable: Namespace, tmp_path: Path) -> None:
    async def story(client: Client) -> None:
        others = []
        for number in range(4):
            (tmp_path / str(number)).mkdir()
            OwnKey(tmp_path / str(number)).private("x")
            others.append(str(tmp_path / str(number) / "hotwire.key"))
        code, err, _out = await client.ssh("-s", SERVER, "utmcli-hotwire", key=others[0])
        assert code
        assert "Permission denied (publickey)" in err
        more = [word for other in others[1:] for word in ("-i", other)]
        right = ("-i", str(tmp_path / "partner" / "hotwire.key"))
        code, err, out = await client.ssh(*more, *right, "-s", SERVER, "utmcli-hotwire", key=others[0])
        assert "too many keys" in err
        assert b"hello" not in out

    play(tmp_path, story)


def test_another_address_is_told_so_before_anything_else(cable: Namespace, tmp_path: Path) -> None:
    async def story(client: Client) -> None:
        code, err, _out = await client.ssh("-s", SERVER, "utmcli-hotwire", source=STRANGER)
        assert code
        assert "this address is not the partner's" in err
        assert "Authenticated" not in err

    play(tmp_path, story)


def test_connections_that_say_nothing_take_no_more_than_their_places(cable: Namespace, tmp_path: Path) -> None:
    async def story(client: Client) -> None:
        silent = [await asyncio.open_connection(SERVER, PORT, local_addr=(PARTNER, 0)) for _ in range(STRANGERS)]
        for reader, _writer in silent:
            assert (await reader.readline()).startswith(b"SSH-2.0-")
        reader, _writer = await asyncio.open_connection(SERVER, PORT, local_addr=(PARTNER, 0))
        assert await asyncio.wait_for(reader.read(), 5) == b"", "one too many is closed without a word"

        for held, _writer in silent:
            await asyncio.wait_for(held.read(), 3 * LOGIN_TIMEOUT)
        _code, err, out = await client.ssh("-s", SERVER, "utmcli-hotwire")
        assert b"hello" in out, err

    play(tmp_path, story)
