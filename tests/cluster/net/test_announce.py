"""Gratuitous ARP as scapy reads it."""

from __future__ import annotations

from cluster.net.announce import gratuitous_arp

MAC = bytes.fromhex("020304050607")
ADDRESS = bytes((192, 168, 200, 1))


def test_an_announcement_is_an_arp_request_of_the_address_for_itself() -> None:
    from scapy.layers.l2 import ARP, Ether  # noqa: PLC0415 - slow to import, needed here only

    frame = Ether(gratuitous_arp(MAC, ADDRESS))

    assert (frame.dst, frame.src, frame.type) == ("ff:ff:ff:ff:ff:ff", "02:03:04:05:06:07", 0x0806)
    arp = frame[ARP]
    assert (arp.op, arp.hwtype, arp.ptype, arp.hwlen, arp.plen) == (1, 1, 0x0800, 6, 4)
    assert (arp.hwsrc, arp.psrc) == ("02:03:04:05:06:07", "192.168.200.1")
    assert (arp.hwdst, arp.pdst) == ("00:00:00:00:00:00", "192.168.200.1")


def test_an_announcement_has_no_byte_too_many() -> None:
    assert len(gratuitous_arp(MAC, ADDRESS)) == 14 + 28
