"""The peer that does the bench's jobs by mitogen, over its local and ssh.

mitogen has calls where luagw has fragments. Here are the jobs in which that comes
to the same.
"""
import sys
import time

import by_mitogen_far as far
import peer
from peer import check

try:
    import mitogen
    import mitogen.core
    import mitogen.utils
except ImportError as e:
    peer.missing(e)


def one(context):
    return context.call(far.one)


def round_trip(context, n):
    return peer.median_time(n, lambda i: context.call(far.echo, i))


def items_in(context, n):
    receiver = mitogen.core.Receiver(context.router)
    start = time.perf_counter()
    call = context.call_async(far.send, n, receiver.to_sender())
    total = 0
    for message in receiver:
        total += message.unpickle()
    rate = n / (time.perf_counter() - start)
    call.get().unpickle()  # raises what the function did
    receiver.close()
    check(total, n * (n + 1) // 2)
    return rate


def execs(context, n):
    return peer.rate_of_ones(n, lambda: one(context))


def memory(context, n):
    """The resident memory of a far side that has run one function."""
    if not sys.platform.startswith("linux"):
        raise ValueError("memory is read from /proc")
    return peer.resident(context.call(far.memory))


class Mitogen(peer.Peer):
    version = ".".join(map(str, mitogen.__version__))
    jobs = {
        "round trip": round_trip,
        "items in": items_in,
        "execs": execs,
        "memory": memory,
    }
    one = staticmethod(one)

    def __init__(self, router):
        self.router = router
        self.contexts = []

    def open(self, login=None):
        context = self.by_ssh(login) if login else self.router.local()
        self.contexts.append(context)
        return context

    def by_ssh(self, login):
        *options, host = login.split()
        return self.router.ssh(hostname=host, ssh_args=options, python_path="python3", check_host_keys="ignore")

    def end(self):
        while self.contexts:
            self.contexts.pop().shutdown(wait=True)


if __name__ == "__main__":
    mitogen.utils.log_to_file(level="ERROR")  # which is standard error
    mitogen.utils.run_with_router(lambda router: Mitogen(router).serve())
