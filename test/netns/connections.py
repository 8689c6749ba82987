"""Real connections: `listen` answers each with what it sees of itself, `connect` makes those asked for.

    connections.py UID GID listen WHERE TCP-PORTS UDP-PORTS   (15006 takes what TPROXY hands over)
    connections.py UID GID connect                            (jobs as JSON lines on stdin, answers on stdout)

An answer: {"where", "port": of the listener, "sockname": [address, port], "original": what SO_ORIGINAL_DST says}.
"""

import ctypes
import json
import os
import selectors
import socket
import struct
import sys

IP_PKTINFO, IPV6_RECVPKTINFO, IPV6_PKTINFO = 8, 49, 50
IP_TRANSPARENT, IPV6_TRANSPARENT, SO_ORIGINAL_DST = 19, 75, 80
FAMILIES = (socket.AF_INET, socket.AF_INET6)


libc = ctypes.CDLL(None, use_errno=True)
PR_SET_KEEPCAPS, CAPABILITY_VERSION, CAP_NET_ADMIN = 8, 0x20080522, 1 << 12


def become(uid, gid):
    """Another user, with NET_ADMIN alone, which marks and transparent sockets need."""
    libc.prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0)
    os.setgroups([])
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)
    header = struct.pack("Ii", CAPABILITY_VERSION, 0)
    if libc.capset(header, struct.pack("6I", CAP_NET_ADMIN, CAP_NET_ADMIN, 0, 0, 0, 0)) != 0:
        raise OSError(ctypes.get_errno(), "capset")


def be_transparent(made):
    if made.family == socket.AF_INET6:
        made.setsockopt(socket.IPPROTO_IPV6, IPV6_TRANSPARENT, 1)
    else:
        made.setsockopt(socket.IPPROTO_IP, IP_TRANSPARENT, 1)


def original_destination(connection):
    six = connection.family == socket.AF_INET6
    try:
        raw = connection.getsockopt(41 if six else 0, SO_ORIGINAL_DST, 28 if six else 16)
    except OSError:
        return None
    address = raw[8:24] if six else raw[4:8]
    return [socket.inet_ntop(connection.family, address), struct.unpack("!H", raw[2:4])[0]]


def open_listener(family, kind, port):
    made = socket.socket(family, kind)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == socket.AF_INET6:
        made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    if kind == socket.SOCK_DGRAM:
        # A datagram has to be answered from the address it came to, or connection tracking does not know the answer.
        option = (socket.IPPROTO_IPV6, IPV6_RECVPKTINFO) if family == socket.AF_INET6 else (socket.IPPROTO_IP, IP_PKTINFO)
        made.setsockopt(*option, 1)
    elif port == 15006:
        be_transparent(made)
    made.bind(("::" if family == socket.AF_INET6 else "0.0.0.0", port))
    if kind == socket.SOCK_STREAM:
        made.listen(64)
    return made


def answer_stream(listener, where, port):
    connection, _ = listener.accept()
    with connection:
        seen = {"where": where, "port": port, "sockname": connection.getsockname()[:2]}
        seen["original"] = original_destination(connection)
        try:
            connection.sendall(json.dumps(seen).encode())
        except OSError:
            pass  # The client went away: it tells so itself.


def answer_datagram(listener, where, port):
    data, ancillary, _, sender = listener.recvmsg(100, 100)
    six = listener.family == socket.AF_INET6
    pktinfo = ancillary[0][2]
    address = socket.inet_ntop(listener.family, pktinfo[:16] if six else pktinfo[8:12])
    seen = {"where": where, "port": port, "sockname": [address, port], "original": None}
    level, option = (socket.IPPROTO_IPV6, IPV6_PKTINFO) if six else (socket.IPPROTO_IP, IP_PKTINFO)
    # From that address, by whatever interface leads there.
    source = pktinfo[:16] + struct.pack("I", 0) if six else struct.pack("I", 0) + pktinfo[8:12] * 2
    print(json.dumps({**seen, "token": data.decode()}), flush=True)
    try:
        listener.sendmsg([json.dumps(seen).encode()], [(level, option, source)], 0, sender)
    except OSError:
        pass


def listen(where, tcp, udp):
    selector = selectors.DefaultSelector()
    for kind, ports, answer in ((socket.SOCK_STREAM, tcp, answer_stream), (socket.SOCK_DGRAM, udp, answer_datagram)):
        for port in filter(None, ports.split(",")):
            for family in FAMILIES:
                made = open_listener(family, kind, int(port))
                selector.register(made, selectors.EVENT_READ, (answer, where, int(port)))
    print("listening", flush=True)
    while True:
        for key, _ in selector.select():
            answer, *seen = key.data
            answer(key.fileobj, *seen)


def connect(job):
    family = socket.AF_INET6 if ":" in job["dst"] else socket.AF_INET
    kind = socket.SOCK_STREAM if job["protocol"] == "tcp" else socket.SOCK_DGRAM
    with socket.socket(family, kind) as made:
        made.settimeout(job.get("timeout", 1.5))
        if job.get("mark"):
            made.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, job["mark"])
        if job.get("transparent"):
            be_transparent(made)
        if job.get("src"):
            made.bind((job["src"], 0))
        try:
            made.connect((job["dst"], job["dport"]))
            if job["protocol"] == "udp":
                made.send(job["token"].encode())
            return {**json.loads(made.recv(1000)), "from": made.getsockname()[:2]}
        except (OSError, ValueError) as error:
            return {"error": str(error)}


def main():
    become(int(sys.argv[1]), int(sys.argv[2]))
    if sys.argv[3] == "listen":
        listen(*sys.argv[4:7])
    for line in sys.stdin:
        print(json.dumps(connect(json.loads(line))), flush=True)


main()
