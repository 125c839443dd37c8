#!/usr/bin/env python3
"""What tshark makes of the DNS look-ups of captures/dns.pcap: name, type, code, addresses, ns from query to answer.

Run it after changing the capture; it rewrites captures/lookups.tsv, against which the DNS parser is tested.
"""
import pathlib
import subprocess

CAPTURES = pathlib.Path(__file__).parent / "captures"
FIELDS = ["dns.qry.name", "dns.qry.type", "dns.flags.rcode", "dns.a", "dns.aaaa", "dns.time"]
TYPES = {"1": "A", "15": "MX", "16": "TXT", "28": "AAAA", "33": "SRV"}

command = ["tshark", "-r", CAPTURES / "dns.pcap", "-Y", "dns.flags.response == 1", "-T", "fields"]
command += [argument for field in FIELDS for argument in ("-e", field)]
rows = []
for line in subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines():
    name, kind, code, four, six, seconds = line.split("\t")
    # tshark does not tell the sections apart: only answers to questions for addresses have no others here.
    addresses = (four or six) if kind in ("1", "28") else ""
    kept = ",".join(addresses.split(",")[:16])
    rows.append("\t".join([name.lower(), TYPES[kind], code, kept, str(round(float(seconds) * 1e9))]))
(CAPTURES / "lookups.tsv").write_text("".join(f"{row}\n" for row in rows))
