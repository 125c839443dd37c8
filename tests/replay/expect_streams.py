#!/usr/bin/env python3
"""What tshark makes of the captures: for each direction of each TCP conversation its payload bytes and their CRC-32.

Run it after adding a capture; it rewrites captures/streams.tsv, against which the capture reader is tested.
tshark dissects and reassembles on its own, so the expectation does not come from the code under test.
"""
import collections
import pathlib
import subprocess
import zlib

CAPTURES = pathlib.Path(__file__).parent / "captures"
FIELDS = ["tcp.stream", "ip.src", "ipv6.src", "tcp.srcport", "ip.dst", "ipv6.dst", "tcp.dstport", "tcp.flags.syn"]


def tshark(*arguments):
    return subprocess.run(["tshark", *arguments], check=True, capture_output=True, text=True).stdout


def address(host, port):
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def directions(capture):
    """The (source, destination) pairs that sent payload, by conversation, in order of appearance."""
    seen = collections.OrderedDict()
    fields = [argument for field in FIELDS for argument in ("-e", field)]
    for line in tshark("-r", capture, "-Y", "tcp.len > 0", "-T", "fields", *fields).splitlines():
        stream, v4s, v6s, sport, v4d, v6d, dport, _ = line.split("\t")
        seen[(int(stream), address(v4s or v6s, sport), address(v4d or v6d, dport))] = None
    return list(seen)


def followed(capture, stream):
    """The bytes of both nodes of a conversation: (source of node 0, its bytes, bytes of node 1)."""
    text = tshark("-r", capture, "-q", "-z", f"follow,tcp,raw,{stream}")
    lines = text.splitlines()
    node = next(line.split(": ", 1)[1] for line in lines if line.startswith("Node 0: "))
    payload = [b"", b""]
    for line in lines[lines.index(next(line for line in lines if line.startswith("Node 1: "))) + 1:]:
        if line.startswith("="):
            break
        assert "missing" not in line, "a capture with gaps needs another expectation"
        payload[line.startswith("\t")] += bytes.fromhex(line.strip())
    return node, payload


rows = []
for capture in sorted(CAPTURES.glob("*.pcap*")):
    for stream, source, destination in directions(capture):
        node, payload = followed(capture, stream)
        own = payload[0] if node == source else payload[1]
        rows.append(f"{capture.name}\t{source}\t{destination}\t{len(own)}\t{zlib.crc32(own):08x}")
(CAPTURES / "streams.tsv").write_text("".join(f"{row}\n" for row in rows))
