"""The tools that administrators automate with, unchanged, against the SSH server."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.ssh import ADDRESS, PASSWORDS, PATIENCE

if TYPE_CHECKING:
    from tests.support.ssh import Site

COLLECTIONS = Path(sys.prefix) / "share" / "ansible"
TABLE = ["attribute    |value", "-------------+-----", "cluster_state|offline", "sync_state   |error"]

NETMIKO = """
import sys, json
from netmiko import ConnectHandler
kind, address, password = sys.argv[1:]
with ConnectHandler(device_type=kind, host=address, username="robot", password=password) as shell:
    results = [shell.send_command("cluster info"), shell.send_command("cluster inof")]
    results.append(shell.send_command("system config get"))
    results += [shell.send_command("cluster maintainance get") for _ in range(20)]
    results.append(shell.find_prompt())
print(json.dumps(results))
"""


@pytest.mark.parametrize("kind", ["generic", "cisco_ios"])
def test_netmiko_reads_every_answer_whole(site: Site, kind: str) -> None:
    info, mistake, configs, *answers, prompt = json.loads(site.python(NETMIKO, kind, ADDRESS, PASSWORDS["robot"]))
    assert info.strip().splitlines()[:4] == TABLE
    assert "% Invalid input" in mistake
    assert configs.strip().splitlines()[0] == "name   |flags"
    assert [answer.strip() for answer in answers] == ["value\n-----\n0"] * 20
    assert prompt == "utm.cluster.local>"


SCRAPLI = """
import sys, json
from scrapli.driver.generic import GenericDriver
address, key = sys.argv[1:]
shell = GenericDriver(host=address, auth_username="admin", auth_private_key=key, auth_strict_key=False,
                      transport="system", comms_prompt_pattern=r"^[\\w.-]+>\\s*$",
                      transport_options={"open_cmd": ["-F", "none", "-o", "IdentitiesOnly=yes"]})
with shell:
    results = [shell.send_command(line).result for line in ("cluster info", "cluster inof")]
    results += [response.result for response in shell.send_commands(["cluster maintainance get"] * 10)]
print(json.dumps(results))
"""


def test_scrapli_reads_every_answer_whole(site: Site) -> None:
    info, mistake, *answers = json.loads(site.python(SCRAPLI, ADDRESS, str(site.key), TERM="xterm"))
    assert info.strip().splitlines()[:4] == TABLE
    assert "% Invalid input" in mistake
    assert answers == ["value\n-----\n0"] * 10


def ansible(site: Site, module: str, arguments: str, **variables: str) -> str:
    """An ad-hoc run of Ansible; what it says."""
    common = {
        "ansible_host": ADDRESS,
        "ansible_user": "admin",
        "ansible_ssh_private_key_file": str(site.key),
        "ansible_ssh_common_args": f"-F none -o UserKnownHostsFile={site.known_hosts} -o IdentitiesOnly=yes",
        "ansible_host_key_checking": "false",
    }
    words = [sys.executable, "-m", "ansible", "adhoc", "all", "-i", "utm,", "-m", module, "-a", arguments]
    done = subprocess.run(
        site.client.command(*words, "-e", json.dumps(common | variables)),
        env={
            **os.environ,
            "HOME": str(site.known_hosts.parent),
            "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS),
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_HOST_KEY_CHECKING": "false",
            "PYTHONWARNINGS": "ignore",
        },
        capture_output=True, text=True, timeout=4 * PATIENCE, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_ansible_raw_runs_a_command(site: Site) -> None:
    assert [line for line in ansible(site, "raw", "cluster info").splitlines() if line in TABLE] == TABLE


@pytest.mark.skipif(
    not (COLLECTIONS / "ansible_collections" / "cisco" / "ios").exists(),
    reason="the Ansible collections of network_cli are not there; make setup fetches them",
)
def test_ansible_network_cli_runs_a_command(site: Site) -> None:
    said = ansible(
        site, "ansible.netcommon.cli_command", "command='cluster info'",
        ansible_connection="ansible.netcommon.network_cli", ansible_network_os="cisco.ios.ios",
        ansible_network_cli_ssh_type="paramiko",
    )  # fmt: skip
    assert "cluster_state|offline" in said
