"""What a role, a key and the last administrator are."""

from __future__ import annotations

import pytest

from cluster import accounts
from cluster.errors import InvalidConfigurationError, NotAuthorisedError, RefusedError
from cluster.model import Account, AccountKey, Config, UserGroup
from tests.support.node import HASH

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILzDi2Misass/h4aqyMCJV1h3CerDwc5IEYWz/euyUp3"


def config(**users: Account) -> Config:
    return Config(users=users, user_groups={"chiefs": UserGroup(role="admin"), "guests": UserGroup()})


def test_an_account_has_the_strongest_role_of_its_own_and_its_groups() -> None:
    seen = config()
    assert accounts.role_of(seen, Account()) == "readonly"
    assert accounts.role_of(seen, Account(role="admin", groups=("guests",))) == "admin"
    assert accounts.role_of(seen, Account(groups=("guests", "chiefs"))) == "admin"
    assert accounts.role_of(seen, Account(groups=("guests",))) == "readonly"


@pytest.mark.parametrize("claimed", ["admin", "readonly"])
def test_whoever_came_over_ssh_has_the_role_of_the_configuration_and_no_more_than_is_claimed(claimed: str) -> None:
    seen = config(anna=Account(role="admin"), bert=Account())
    assert accounts.standing(seen, "anna", "ssh 192.0.2.1", claimed) == claimed  # type: ignore[arg-type]
    assert accounts.standing(seen, "bert", "ssh 192.0.2.1", claimed) == "readonly"  # type: ignore[arg-type]


def test_an_account_that_is_gone_has_no_standing() -> None:
    with pytest.raises(NotAuthorisedError, match="there is no account carl"):
        accounts.standing(config(), "carl", "ssh 192.0.2.1", "admin")


def test_an_account_with_its_initial_password_may_only_look_until_it_has_another_one() -> None:
    seen = config(anna=Account(role="admin", password=HASH, must_change=True), bert=Account(role="admin"))
    reason = accounts.hindrance(seen, "anna", "ssh 192.0.2.1")
    assert reason == (
        "the initial password of the account anna has to be changed first: user password old OLD new NEW"
    )
    assert accounts.hindrance(seen, "bert", "ssh 192.0.2.1") == ""
    assert accounts.hindrance(seen, "carl", "ssh 192.0.2.1") == "", "who is gone has no standing at all"
    assert accounts.hindrance(seen, "anna", "console") == "", "that is a user of this machine"


def test_the_console_was_let_in_by_the_kernel() -> None:
    assert accounts.standing(config(), "root", "console", "admin") == "admin"
    assert accounts.standing(config(), "lab", "lab", "readonly") == "readonly"


ADMIN = Account(role="admin", password=HASH)
BY_KEY = Account(role="admin", keys={"1": AccountKey(key=KEY, enabled=True)})
LOCKED = Account(role="admin", keys={"1": AccountKey(key=KEY)})


@pytest.mark.parametrize(
    "after",
    [
        config(),
        config(anna=Account(password=HASH)),
        config(anna=Account(role="admin")),
        config(anna=LOCKED, bert=Account(password=HASH)),
    ],
    ids=["deleted", "role taken", "password taken", "key not enabled"],
)
def test_the_last_administrator_stays(after: Config) -> None:
    with pytest.raises(RefusedError, match="anna is the last account that can log in as admin"):
        accounts.refuse_lockout(config(anna=ADMIN), after)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (config(anna=ADMIN), config(anna=Account(), bert=BY_KEY)),
        (config(anna=ADMIN), config(anna=Account(password=HASH, groups=("chiefs",)))),
        (config(), config(bert=Account(password=HASH))),
        (config(bert=Account()), config()),
    ],
    ids=["another one", "by a group", "there was none", "there never was one"],
)
def test_an_administrator_may_go_when_another_one_is_there(before: Config, after: Config) -> None:
    accounts.refuse_lockout(before, after)


def test_only_enabled_keys_let_in_and_their_comments_do_not_count() -> None:
    account = Account(
        keys={"1": AccountKey(key=f"{KEY} anna@home", enabled=True), "2": AccountKey(key=KEY, enabled=False)}
    )
    assert accounts.enabled_keys(account) == (KEY,)


@pytest.mark.parametrize(
    "text",
    [
        "", "ssh-ed25519", "ssh-ed25519 AAAA", "ssh-dss AAAAB3NzaC1kc3M=", f"command=x {KEY}",
        "-----BEGIN OPENSSH PRIVATE KEY-----", "ecdsa-sha2-nistp256 AAAAC3NzaC1lZDI1NTE5AAAA",
    ],
)  # fmt: skip
def test_what_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(InvalidConfigurationError):
        accounts.read_key(text)


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
def test_keys_that_ssh_keygen_makes_are_accepted(kind: str) -> None:
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa  # noqa: PLC0415 - slow, and only here
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat  # noqa: PLC0415

    makers = {
        "ed25519": ed25519.Ed25519PrivateKey.generate,
        "ecdsa": lambda: ec.generate_private_key(ec.SECP256R1()),
        "rsa": lambda: rsa.generate_private_key(65537, 2048),
    }
    line = makers[kind]().public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    assert accounts.read_key(f"{line} me@here").line == f"{line} me@here"
