"""The peer that luagw is measured against: py.execnet, over its popen.

The bench runs this as one process for all measurements. It reads jobs from
standard input, a JSON object a line: {"job": NAME, "n": TIMES}. It does each
with a gateway that is kept while the job stays the same, checks its answers,
and writes a line: {"figure": FIGURE}, in seconds, items a second or bytes a
second, or {"error": TEXT}. The first line that it writes tells the versions.
"""
import json
import platform
import statistics
import sys
import threading
import time

MIB = 1 << 20


def main():
    try:
        import execnet
    except ImportError as e:
        answer(error=str(e))
        return
    answer(execnet=execnet.__version__, python=platform.python_version())
    gateways = Gateways(execnet)
    for line in sys.stdin:
        request = json.loads(line)
        try:
            name = request["job"]
            if name.startswith("ssh open "):
                answer(figure=open_by_ssh(gateways, name.removeprefix("ssh open "), request["n"]))
                continue
            answer(figure=JOBS[name](gateways.serving(name), request["n"]))
        except Exception as e:  # the bench tells it and goes on with the next job
            answer(error="%s: %s" % (type(e).__name__, e))
    gateways.close()


def answer(**fields):
    print(json.dumps(fields), flush=True)


class Gateways:
    """Opens a gateway for each job, and closes the one before."""

    def __init__(self, execnet):
        self.execnet = execnet
        self.job = self.group = self.gateway = None

    def serving(self, job):
        if job != self.job:
            self.close()
            self.group = self.execnet.Group()
            # The job that opens gateways has the group, and opens its own.
            self.gateway = self.group if job == "open" else self.group.makegateway("popen")
            self.job = job
        return self.gateway

    def close(self):
        if self.group is not None:
            self.group.terminate(5)


def check(got, want):
    if got != want:
        raise ValueError("got %r, want %r" % (got, want))


def open_by_ssh(gateways, login, n):
    """The same over ssh; login is what ssh is told of host and settings."""
    gateways.close()
    gateways.job, gateways.group = login, gateways.execnet.Group()
    return open_gateways(gateways.group, n, "ssh=%s//python=python3" % login)


def open_gateways(group, n, spec="popen"):
    """The median time from nothing to the first item back."""
    times = []
    for _ in range(n):
        start = time.perf_counter()
        gateway = group.makegateway(spec)
        item = gateway.remote_exec("channel.send(1)").receive()
        times.append(time.perf_counter() - start)
        check(item, 1)
        group.terminate(5)
    return statistics.median(times)


def round_trip(gateway, n):
    """The median time of a small item there and back."""
    channel = gateway.remote_exec("for x in channel: channel.send(x)")
    times = []
    for i in range(n):
        start = time.perf_counter()
        channel.send(i)
        item = channel.receive()
        times.append(time.perf_counter() - start)
        check(item, i)
    channel.close()
    return statistics.median(times)


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
    start = time.perf_counter()
    for _ in range(n):
        check(gateway.remote_exec("channel.send(1)").receive(), 1)
    return n / (time.perf_counter() - start)


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
    return 1024 * int(line.split()[1])


JOBS = {
    "open": open_gateways,
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

if __name__ == "__main__":
    main()
