"""How long a password has to wait."""

from __future__ import annotations

from utmcli.sshd.throttle import ACCOUNT_LONGEST, FORGOTTEN, FREE, PATIENCE, REMEMBERED, SOURCE_LONGEST, Throttle

HERE, THERE = "192.0.2.1", "192.0.2.2"


def guesses(throttle: Throttle, times: int) -> float:
    """So many wrong passwords one after the other, each as early as it may; when the last one was looked at."""
    now = 0.0
    for _ in range(times):
        wait = throttle.wait("admin", HERE, now)
        assert wait is not None
        now += wait
        throttle.wrong("admin", HERE, now)
    return now


def test_a_first_password_does_not_wait() -> None:
    assert Throttle().wait("admin", HERE, 5.0) == 0.0


def test_fingers_may_slip() -> None:
    throttle = Throttle()
    assert guesses(throttle, FREE) == 0.0


def test_every_wrong_password_makes_the_next_one_wait_longer_until_it_is_refused_unseen() -> None:
    throttle, waits, now = Throttle(), [], 0.0
    while (wait := throttle.wait("admin", HERE, now)) is not None:
        waits.append(wait)
        now += wait
        throttle.wrong("admin", HERE, now)
    assert waits == sorted(waits)
    assert waits[FREE + 1] > 0.0
    assert waits[-1] > ACCOUNT_LONGEST, "the source's bound is higher than the account's"
    assert len(waits) < 15


def test_an_account_is_slow_for_all_sources_but_never_slower_than_its_bound() -> None:
    throttle = Throttle()
    for number in range(40):
        throttle.wrong("admin", f"192.0.2.{number}", 0.0)
    wait = throttle.wait("admin", "198.51.100.1", 0.0)
    assert wait == ACCOUNT_LONGEST


def test_a_source_is_slow_for_all_accounts() -> None:
    throttle = Throttle()
    for number in range(40):
        throttle.wrong(f"user{number}", HERE, 0.0)
    assert throttle.wait("another", THERE, 0.0) == 0.0
    assert throttle.wait("another", HERE, 0.0) is None, f"{SOURCE_LONGEST} s are more than anybody may wait"


def test_many_at_once_stand_in_one_line_and_the_end_of_it_is_refused() -> None:
    throttle = Throttle()
    guesses(throttle, FREE + 6)
    waits = [throttle.wait("admin", THERE, 100.0) for _ in range(20)]
    known = [wait for wait in waits if wait is not None]
    assert known == sorted(set(known)), "no two at the same moment"
    assert None in waits
    assert max(known) <= PATIENCE


def test_a_right_password_makes_its_source_trusted_whatever_others_do_to_the_account() -> None:
    throttle = Throttle()
    throttle.right("admin", HERE)
    for number in range(40):
        throttle.wrong("admin", f"198.51.100.{number}", 0.0)
    assert throttle.wait("admin", HERE, 0.0) == 0.0
    assert throttle.wait("admin", THERE, 0.0) == ACCOUNT_LONGEST


def test_a_trusted_source_that_guesses_is_trusted_no_longer() -> None:
    throttle = Throttle()
    throttle.right("admin", HERE)
    for _ in range(FREE + 3):
        throttle.wrong("admin", HERE, 0.0)
    assert (throttle.wait("admin", HERE, 0.0) or 0.0) > 0.0


def test_what_was_long_ago_is_forgotten() -> None:
    throttle = Throttle()
    now = guesses(throttle, FREE + 4)
    assert throttle.wait("admin", HERE, now + FORGOTTEN + PATIENCE) == 0.0


def test_a_source_is_suspect_from_more_wrong_passwords_than_fingers_slip_until_somebody_logs_in() -> None:
    throttle = Throttle()
    for _ in range(FREE):
        throttle.wrong("admin", HERE, 0.0)
    assert not throttle.suspects(HERE, 0.0)
    throttle.wrong("admin", HERE, 0.0)
    assert throttle.suspects(HERE, 1.0)
    assert not throttle.suspects(THERE, 1.0)
    throttle.welcome(HERE)
    assert not throttle.suspects(HERE, 1.0)


def test_memory_is_bounded_however_many_guess() -> None:
    throttle = Throttle()
    for number in range(3 * REMEMBERED):
        source = f"2001:db8:{number:x}::/64"
        throttle.wait(f"user{number}", source, float(number))
        throttle.wrong(f"user{number}", source, float(number))
        throttle.right(f"user{number}", source)
        throttle.welcome(source)
    assert len(throttle) <= 4 * REMEMBERED
