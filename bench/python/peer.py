"""What the bench's peers in Python have in common.

The bench runs each peer as one process for all measurements. It reads jobs from
standard input, a JSON object a line: {"job": NAME, "n": TIMES}. It does each
with a gateway that is kept while the job stays the same, checks its answers,
and writes a line: {"figure": FIGURE}, in seconds, items a second or bytes a
second, or {"error": TEXT}. The first line that it writes tells the versions.
"""
import json
import platform
import statistics
import sys
import time


def answer(**fields):
    print(json.dumps(fields), flush=True)


def missing(error):
    """Ends a peer whose library is not there."""
    answer(error=str(error))
    sys.exit()


class Peer:
    """Does jobs by one library. A subclass says how:

    version     of the library
    jobs        what it can do with a gateway: name to function of gateway and n
    open(login) opens a gateway to a process here, or by ssh if a login is given:
                what ssh is told of host and settings
    one(gateway) has the far side answer with the item 1, and returns it
    end()       ends all gateways
    """

    job = gateway = None

    def serve(self):
        answer(version=self.version, python=platform.python_version())
        for line in sys.stdin:
            request = json.loads(line)
            try:
                answer(figure=self.do(request["job"], request["n"]))
            except Exception as e:  # the bench tells it and goes on with the next job
                answer(error="%s: %s" % (type(e).__name__, e))
        self.end()

    def do(self, job, n):
        if job != self.job:
            self.end()
            self.job, self.gateway = job, None
        if job == "open":
            return self.openings(n)
        if job.startswith("ssh open "):
            return self.openings(n, job.removeprefix("ssh open "))
        work = self.jobs[job]
        if self.gateway is None:
            self.gateway = self.open()
        return work(self.gateway, n)

    def openings(self, n, login=None):
        """The median time from nothing to the first item back."""
        times = []
        for _ in range(n):
            start = time.perf_counter()
            item = self.one(self.open(login))
            times.append(time.perf_counter() - start)
            check(item, 1)
            self.end()
        return statistics.median(times)


def check(got, want):
    if got != want:
        raise ValueError("got %r, want %r" % (got, want))


def median_time(n, echo):
    """The median time in which an item goes there and back."""
    times = []
    for i in range(n):
        start = time.perf_counter()
        item = echo(i)
        times.append(time.perf_counter() - start)
        check(item, i)
    return statistics.median(times)


def rate_of_ones(n, one):
    """How many answers come in a second, one after the other."""
    start = time.perf_counter()
    for _ in range(n):
        check(one(), 1)
    return n / (time.perf_counter() - start)


def resident(line):
    """The memory, in bytes, that a line of /proc/PID/status tells."""
    name, kilobytes, _ = line.split()
    check(name, "VmRSS:")
    return 1024 * int(kilobytes)
