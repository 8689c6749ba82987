"""Sends single packets with the owner, mark and addresses asked for, and tells what the kernel did with each.

Runs inside the network namespace whose rules are judged; argument: path of the peer's network namespace. Reads jobs as
JSON lines, writes one JSON line for each: {"rules": [...], "input": [dst, dport, mark] | null, "sent": [...] | null}.
`rules` are the lines of iptables-save, or the rules of nft, whose packet counter grew, each as often as it grew.
"""

import ctypes
import json
import os
import re
import socket
import struct
import subprocess
import sys

libc = ctypes.CDLL(None, use_errno=True)
IP_TRANSPARENT, IPV6_TRANSPARENT, IPV6_HDRINCL = 19, 75, 36
SYN, RST, ACK = 2, 4, 16


def enter(path):
    with open(path) as file:
        if libc.setns(file.fileno(), 0) != 0:
            raise OSError(ctypes.get_errno(), "setns " + path)


def raw_socket(family):
    made = socket.socket(family, socket.SOCK_RAW, socket.IPPROTO_RAW)
    if family == socket.AF_INET6:
        made.setsockopt(socket.IPPROTO_IPV6, IPV6_HDRINCL, 1)
    return made


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def build(packet):
    six = ":" in packet["dst"]
    family = socket.AF_INET6 if six else socket.AF_INET
    src, dst = (socket.inet_pton(family, packet[end]) for end in ("src", "dst"))
    number = 6 if packet["protocol"] == "tcp" else 17
    flags = {"NEW": SYN, "INVALID": RST | ACK, "ESTABLISHED": ACK}[packet.get("ctstate", "NEW")]

    def segment(check):
        if number == 6:
            return struct.pack("!HHIIBBHHH", packet["sport"], packet["dport"], 1000, 0, 0x50, flags, 65535, check, 0)
        return struct.pack("!HHHH", packet["sport"], packet["dport"], 8, check)

    length = len(segment(0))
    if six:
        pseudo = src + dst + struct.pack("!IHBB", length, 0, 0, number)
        header = struct.pack("!IHBB", 6 << 28, length, number, 64) + src + dst
    else:
        pseudo = src + dst + struct.pack("!BBH", 0, number, length)
        plain = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + length, 1, 0, 64, number, 0, src, dst)
        header = plain[:10] + struct.pack("!H", checksum(plain)) + plain[12:]
    return header + segment(checksum(pseudo + segment(0)) or 0xFFFF)


def run(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def read_counters(tools):
    counters = {}
    for tool in tools:
        lines = read_nft() if tool == "nft" else read_save(tool + "-save")
        for key, count in lines:
            counters[key] = counters.get(key, 0) + count
    return counters


def read_save(save):
    table = ""
    for line in run(save, "-c").splitlines():
        if line.startswith("*"):
            table = line[1:]
        found = re.match(r"\[(\d+):\d+\] (-A .*)", line)
        if found:
            yield (table, found[2]), int(found[1])


def read_nft():
    """Rules as TABLE and "CHAIN RULE", the counter without its numbers."""
    table, chain = "", ""
    for line in run("nft", "list", "ruleset").splitlines():
        opened = re.match(r"table \w+ (\S+) {|\t(?:chain (\S+) {)", line)
        if opened:
            table, chain = opened[1] or table, opened[2] or ""
        found = re.search(r"counter packets (\d+) bytes \d+", line)
        if found and table != "judge":
            rule = line.strip().replace(found[0], "counter")
            yield (table, chain + " " + rule), int(found[1])


def read_set(name):
    listed = json.loads(run("nft", "-j", "list", "set", "inet", "judge", name))
    for entry in listed["nftables"]:
        for element in entry.get("set", {}).get("elem", []):
            value = element.get("elem", {}).get("val", element) if isinstance(element, dict) and "elem" in element else element
            return value["concat"]
    return None


def send(packet, peers):
    data = build(packet)
    family = socket.AF_INET6 if ":" in packet["dst"] else socket.AF_INET
    if packet["direction"] == "in":
        sender = peers[family]
    else:
        # The socket's owner is the file system user and group at its birth.
        libc.setfsgid(packet.get("gid", 0))
        libc.setfsuid(packet.get("uid", 0))
        sender = raw_socket(family)
        libc.setfsuid(0)
        libc.setfsgid(0)
        if packet.get("mark"):
            sender.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, packet["mark"])
    try:
        sender.sendto(data, (packet["dst"], 0))
        return None
    except OSError as error:
        return error.strerror
    finally:
        if packet["direction"] != "in":
            sender.close()


def track(packet, zone):
    """Makes connection tracking know the connection already."""
    command = ["conntrack", "-I", "-p", packet["protocol"], "-t", "60", "-s", packet["src"], "-d", packet["dst"]]
    command += ["--sport", str(packet["sport"]), "--dport", str(packet["dport"]), "-u", "SEEN_REPLY,ASSURED", "-w", str(zone)]
    run(*command, *(["--state", "ESTABLISHED"] if packet["protocol"] == "tcp" else []))


def listen_transparently(family):
    made = socket.socket(family, socket.SOCK_STREAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == socket.AF_INET6:
        made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        made.setsockopt(socket.IPPROTO_IPV6, IPV6_TRANSPARENT, 1)
    else:
        made.setsockopt(socket.IPPROTO_IP, IP_TRANSPARENT, 1)
    made.bind(("::" if family == socket.AF_INET6 else "0.0.0.0", 15006))
    made.listen()
    return made


def main():
    families = (socket.AF_INET, socket.AF_INET6)
    enter(sys.argv[1])
    peers = {family: raw_socket(family) for family in families}
    enter("/proc/%d/ns/net" % os.getppid() if len(sys.argv) < 3 else sys.argv[2])
    listeners = [listen_transparently(family) for family in families]
    before, last = None, None
    for line in sys.stdin:
        job = json.loads(line)
        tools, packet = job["tools"], job["packet"]
        if job.get("fresh") or tools != last or before is None:
            before, last = read_counters(tools), tools
        if packet.get("ctstate") == "ESTABLISHED":
            for zone in job["zones"]:
                track(packet, zone)
        error = send(packet, peers)
        after = read_counters(tools)
        grown = [[*key] for key, count in after.items() for _ in range(count - before.get(key, 0))]
        before = after
        version = "6" if ":" in packet["dst"] else "4"
        answer = {"rules": grown, "error": error}
        for hook in ("input", "sent"):
            answer[hook] = read_set(hook + version)
        run("nft", "flush set inet judge input%s; flush set inet judge sent%s" % (version, version))
        print(json.dumps(answer), flush=True)
    del listeners


main()
