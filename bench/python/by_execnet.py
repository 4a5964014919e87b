"""The peer that does the bench's jobs by py.execnet, over its popen and ssh."""
import sys
import threading
import time

import peer
from peer import check

try:
    import execnet
except ImportError as e:
    peer.missing(e)

MIB = 1 << 20


def one(gateway):
    return gateway.remote_exec("channel.send(1)").receive()


def round_trip(gateway, n):
    channel = gateway.remote_exec("for x in channel: channel.send(x)")

    def echo(i):
        channel.send(i)
        return channel.receive()

    median = peer.median_time(n, echo)
    channel.close()
    return median


def items_in(gateway, n):
    channel = gateway.remote_exec("n = channel.receive()\nfor i in range(1, n + 1): channel.send(i)")
    start = time.perf_counter()
    channel.send(n)
    total = 0
    for _ in range(n):
        total += channel.receive()
    rate = n / (time.perf_counter() - start)
    check(total, n * (n + 1) // 2)
    return rate


def items_out(gateway, n):
    channel = gateway.remote_exec(
        "n = channel.receive()\ntotal = 0\nfor i in range(n): total += channel.receive()\nchannel.send(total)"
    )
    start = time.perf_counter()
    channel.send(n)
    for i in range(1, n + 1):
        channel.send(i)
    total = channel.receive()
    rate = n / (time.perf_counter() - start)
    check(total, n * (n + 1) // 2)
    return rate


# A record has ten strings and ten numbers; one number is its place.
RECORDS = """
n = channel.receive()
record = {}
for i in range(1, 11):
    record["string%d" % i] = "value of the field %d" % i
    record["number%d" % i] = i * 1.5
for i in range(1, n + 1):
    record["number1"] = i
    channel.send(record)
"""


def records_in(gateway, n):
    channel = gateway.remote_exec(RECORDS)
    start = time.perf_counter()
    channel.send(n)
    total = fields = 0
    for _ in range(n):
        record = channel.receive()
        total += record["number1"]
        fields += len(record)
    rate = n / (time.perf_counter() - start)
    check(total, n * (n + 1) // 2)
    check(fields, 20 * n)
    check(record["string7"], "value of the field 7")
    check(record["number7"], 10.5)
    return rate


def bytes_in(gateway, n):
    channel = gateway.remote_exec("n = channel.receive()\nb = b'x' * (1 << 20)\nfor i in range(n): channel.send(b)")
    start = time.perf_counter()
    channel.send(n)
    total = 0
    for _ in range(n):
        total += len(channel.receive())
    rate = total / (time.perf_counter() - start)
    check(total, n * MIB)
    return rate


def bytes_out(gateway, n):
    channel = gateway.remote_exec(
        "n = channel.receive()\ntotal = 0\nfor i in range(n): total += len(channel.receive())\nchannel.send(total)"
    )
    blob = b"x" * MIB
    start = time.perf_counter()
    channel.send(n)
    for _ in range(n):
        channel.send(blob)
    total = channel.receive()
    rate = total / (time.perf_counter() - start)
    check(total, n * MIB)
    return rate


def execs(gateway, n):
    return peer.rate_of_ones(n, lambda: one(gateway))


def execs_by_8(gateway, n):
    """Eight threads share the gateway; n is the number of all fragments."""
    failures = []

    def work(share):
        try:
            execs(gateway, share)
        except Exception as e:
            failures.append(e)

    threads = [threading.Thread(target=work, args=(n // 8,)) for _ in range(8)]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    rate = 8 * (n // 8) / (time.perf_counter() - start)
    if failures:
        raise failures[0]
    return rate


def memory(gateway, n):
    """The resident memory of a far side that has run one fragment."""
    if not sys.platform.startswith("linux"):
        raise ValueError("memory is read from /proc")
    line = gateway.remote_exec(
        "channel.send([l for l in open('/proc/self/status') if l.startswith('VmRSS')][0])"
    ).receive()
    return peer.resident(line)


class Execnet(peer.Peer):
    version = execnet.__version__
    jobs = {
        "round trip": round_trip,
        "items in": items_in,
        "items out": items_out,
        "records in": records_in,
        "bytes in": bytes_in,
        "bytes out": bytes_out,
        "execs": execs,
        "execs by 8": execs_by_8,
        "memory": memory,
    }
    one = staticmethod(one)

    def __init__(self):
        self.group = execnet.Group()

    def open(self, login=None):
        return self.group.makegateway("ssh=%s//python=python3" % login if login else "popen")

    def end(self):
        self.group.terminate(5)


if __name__ == "__main__":
    Execnet().serve()
