"""Many wrong passwords from many sources, a reduced number; bench/ssh.py sends 10,000."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tests.support.ssh import ADDRESS, PATIENCE

if TYPE_CHECKING:
    from tests.support.ssh import Site

WANTED = 90
FLOOD = """
import asyncio, json, sys, asyncssh
address, wanted, sources = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
tried = entered = 0

class Guess(asyncssh.SSHClient):
    def __init__(self):
        self.said = 0
    def password_auth_requested(self):
        global tried
        self.said += 1
        tried += self.said <= 3
        return f"wrong password {tried}" if self.said <= 3 else None

async def guess(number):
    global entered
    while tried < wanted:
        number += 20
        where = {"local_addr": (sources[number % len(sources)], 0), "known_hosts": None, "config": None}
        user = ("admin", "root", f"user{number}")[number % 3]
        try:
            async with asyncssh.connect(address, username=user, client_keys=None, client_factory=Guess, **where):
                entered += 1
        except (asyncssh.Error, OSError):
            pass

async def main():
    await asyncio.gather(*(guess(number) for number in range(20)))

asyncio.run(main())
print(json.dumps([tried, entered]))
"""


def memory(site: Site) -> float:
    """Resident memory of the shell host, MB."""
    status = Path(f"/proc/{site.appliance.shell}/status").read_text()
    return int(re.findall(r"VmRSS:\s+(\d+)", status)[0]) / 1024


def test_guessers_get_nowhere_and_a_key_lets_its_owner_in_meanwhile(site: Site) -> None:
    sources = [f"192.168.12.{last}" for last in range(20, 50)]
    for source in sources:
        site.client.run("ip", "address", "add", f"{source}/24", "dev", "LAN2")
    before = memory(site)
    try:
        words = site.client.command(sys.executable, "-c", FLOOD, ADDRESS, str(WANTED), *sources)
        flood = subprocess.Popen(words, stdout=subprocess.PIPE)
        logins = 0
        while flood.poll() is None:
            done = site.ssh("admin", "cluster maintainance get")
            assert done.returncode == 0, done.stderr
            logins += 1
            time.sleep(0.2)
        assert flood.stdout is not None
        tried, entered = json.loads(flood.stdout.read())
        flood.wait(PATIENCE)
    finally:
        for source in sources:
            site.client.run("ip", "address", "delete", f"{source}/24", "dev", "LAN2")
    assert entered == 0
    assert tried >= WANTED
    assert logins
    assert memory(site) - before < 50
    wrong = [line for line in site.utmcli("system audit get limit 10000").splitlines() if "(wrong password" in line]
    assert 0 < len(wrong) < WANTED / 2, "a flood does not wash the audit away"
