"""UDP through a node's Services: `serve` answers as every endpoint, `ask` sends first packets and tells who answered.

Standard input, one JSON object: serve {"endpoints": [[address, port], ...]}, ask {"jobs": [{"to": [address, port],
"count": N, "from": [address, ...], "wait": seconds}]}. The answer of `ask` is one JSON list: for every job how many packets
came to which endpoint and from which source address they seemed to come, how many were refused and how many lost.
"""

import errno
import json
import select
import socket
import sys
import time
from collections import Counter


def family(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def serve(endpoints):
    names = {}
    for address, port in endpoints:
        made = socket.socket(family(address), socket.SOCK_DGRAM)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        made.bind((address, port))
        names[made.fileno()] = (made, "%s %d" % (address, port))
    poll = select.poll()
    for number in names:
        poll.register(number, select.POLLIN)
    print("ready", flush=True)
    while True:
        for number, _ in poll.poll():
            made, name = names[number]
            _, peer = made.recvfrom(64)
            made.sendto(("%s %s" % (name, peer[0])).encode(), peer)


def ask(job):
    address, port = job["to"]
    sources = job.get("from") or [None]
    answered, refused, lost, waiting = Counter(), 0, 0, {}
    for number in range(job["count"]):
        made = socket.socket(family(address), socket.SOCK_DGRAM)
        made.setblocking(False)
        source = sources[number % len(sources)]
        try:
            if source:
                made.bind((source, 0))
            made.connect((address, port))
            made.send(b"who")
        except PermissionError:
            # The node's own packet was stopped on its way out. That it was refused, not dropped, is told on the socket.
            if made.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == errno.ECONNREFUSED:
                refused += 1
            else:
                lost += 1
            made.close()
            continue
        except ConnectionRefusedError:
            refused += 1
            made.close()
            continue
        waiting[made.fileno()] = made
        if number % 50 == 49:
            time.sleep(0.002)
    deadline = time.monotonic() + job.get("wait", 1)
    poll = select.poll()
    for number in waiting:
        poll.register(number, select.POLLIN)
    while waiting and time.monotonic() < deadline:
        for number, _ in poll.poll(50):
            made = waiting.pop(number)
            poll.unregister(number)
            try:
                answered[made.recv(256).decode()] += 1
            except OSError:
                refused += 1
            made.close()
    lost += len(waiting)
    for made in waiting.values():
        made.close()
    return {"answered": answered, "refused": refused, "lost": lost}


request = json.load(sys.stdin)
if sys.argv[1] == "serve":
    serve(request["endpoints"])
else:
    json.dump([ask(job) for job in request["jobs"]], sys.stdout)
