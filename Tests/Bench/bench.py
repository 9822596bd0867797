#!/usr/bin/env python3
"""The system measured as its users meet it, as ratios to floors measured in the same run.

    Tests/Bench/bench.py [--brokers embedded,kafka] [--pieces orders,gets,shipped,sagas,life,stored] [--runs 3]
                         [--seconds 5] [--sagas 20000] [--stored 1000,20000] [--report FILE]

Needs a release build, wrk and gcc (`make bench` sees to that). Everything runs on this machine: broker, four services,
gateway and the clients share its cores. Prints a Markdown table line by line; --report writes it to a file as well.
"""
import argparse
import json
import os
import re
import shutil
import signal
import statistics
import subprocess
import tempfile
import time
from http.client import HTTPConnection

from machine import ROOT, free_port, run

BOOKSTORE = os.path.join(ROOT, ".build", "release", "bookstore")
PLENTY = 2_000_000_000


class System:
    """A private system in a directory of its own, on ports of its own."""

    def __init__(self, broker, scratch):
        self.directory = tempfile.mkdtemp(prefix=f"bench-{broker}-", dir=scratch)
        self.port = free_port()
        self.environment = dict(os.environ, GATEWAY_PORT=str(self.port), ORDER_PORT=str(free_port()))
        if broker == "embedded":
            self.environment.pop("KAFKA_HOME", None)
        self.environment.pop("KAFKA_BOOTSTRAP", None)
        started = time.monotonic()
        self.command("up", "--detach")
        self.start_milliseconds = (time.monotonic() - started) * 1000
        self.client = HTTPConnection("127.0.0.1", self.port, timeout=30)

    def command(self, *arguments):
        return run(BOOKSTORE, *arguments, "--run-dir", self.directory, env=self.environment)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    @property
    def bootstrap(self):
        with open(os.path.join(self.directory, "bootstrap")) as file:
            return file.read().strip()

    def call(self, method, path, body=None):
        headers = {"Content-Type": "application/json"} if body is not None else {}
        self.client.request(method, path, json.dumps(body) if body is not None else None, headers)
        answer = self.client.getresponse()
        content = answer.read()
        return answer.status, json.loads(content) if content else None

    def create(self, path, body):
        status, item = self.call("POST", path, body)
        if status not in (200, 201):
            raise SystemExit(f"POST {path} answered {status}: {item}")
        return item

    def pid(self, instance):
        with open(os.path.join(self.directory, "pids", instance)) as file:
            return int(file.read())

    def memory(self):
        status = json.loads(self.command("status", "--json"))
        return {i["instance"]: (i["memoryBytes"] or 0) / 1048576 for i in status["instances"]}

    def orders_stored(self):
        """As the shards count them: the list says how many there are."""
        _, page = self.call("GET", "/orders?size=1")
        return page["page"]["totalElements"]

    def cpu_microseconds(self):
        """Of the services and the gateway; the broker is another's work."""
        total = 0
        for instance in os.listdir(os.path.join(self.directory, "pids")):
            if "broker" in instance or "kafka" in instance or "supervisor" in instance:
                continue
            with open(f"/proc/{self.pid(instance)}/stat") as file:
                fields = file.read().rsplit(")", 1)[1].split()
            total += (int(fields[11]) + int(fields[12])) * 1e6 / os.sysconf("SC_CLK_TCK")
        return total

    def close(self):
        self.client.close()
        self.command("down")
        shutil.rmtree(self.directory, ignore_errors=True)


def wrk(url, connections, seconds, script=None):
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "--timeout", "30s"]
    text = run(*command, *(["-s", script] if script else []), url)

    def latency(percent):
        number, unit = re.search(rf"{percent}%\s+([\d.]+)(us|ms|s)", text).groups()
        return float(number) * {"us": 0.001, "ms": 1, "s": 1000}[unit]

    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    return {
        "rate": float(re.search(r"Requests/sec:\s+([\d.]+)", text).group(1)),
        "count": int(re.search(r"(\d+) requests in", text).group(1)),
        "p50": latency(50), "p99": latency(99), "bad": int(bad.group(1)) if bad else 0,
    }


def order_script(scratch):
    path = os.path.join(scratch, "order.lua")
    with open(path, "w") as file:
        file.write(
            'wrk.method = "POST"\nwrk.headers["Content-Type"] = "application/json"\nlocal n = 0\n'
            "request = function()\n  n = n + 1\n"
            '  local body = string.format(\'{"bookId":%d,"customerId":%d,"quantity":1,"deliveryAddress":"bench"}\','
            " n % 24 + 1, n % 24 + 1)\n"
            "  return wrk.format(nil, nil, nil, body)\nend\n")
    return path


class Floors:
    """What the broker, libmicrohttpd and SQLite do at best, with nothing of ours above them."""

    def __init__(self, scratch):
        self.broker_tool = os.path.join(scratch, "brokerbench")
        self.http_tool = os.path.join(scratch, "httpfloor")
        source = os.path.join(ROOT, "Tests", "Bench")
        run("gcc", "-O2", f"{source}/brokerbench.c", "-o", self.broker_tool, "-lrdkafka", "-lpthread")
        run("gcc", "-O2", f"{source}/httpfloor.c", "-o", self.http_tool, "-lmicrohttpd")

    def broker(self, bootstrap, kind, window, count):
        text = run(self.broker_tool, bootstrap, kind, str(window), str(count), "12")
        return {
            "rate": float(re.search(r"([\d.]+) (?:req|requests)/s", text).group(1)),
            "p50": float(re.search(r"p50\s+([\d.]+)", text).group(1)),
        }

    def http(self, connections, seconds):
        port = free_port()
        process = subprocess.Popen([self.http_tool, str(port)])
        try:
            time.sleep(0.3)
            return wrk(f"http://127.0.0.1:{port}/", connections, seconds)
        finally:
            process.kill()
            process.wait()


def shipped_latency(system, samples):
    """From the order's 201 to `Shipped` in MyPage, as a client that asks again and again sees it."""
    times = []
    for number in range(samples):
        started = time.monotonic()
        order = system.create(
            "/orders", {"bookId": number % 24 + 1, "customerId": number % 24 + 1, "quantity": 1,
                        "deliveryAddress": "bench"})
        while True:
            status, page = system.call("GET", f"/myPages/{order['orderId']}")
            if status == 200 and page["orderStatus"] == "Shipped":
                break
        times.append((time.monotonic() - started) * 1000)
    times.sort()
    return times[len(times) // 2], times[len(times) * 99 // 100]


def wait_until_quiet(system):
    """Every service has read everything: no lag, twice in a row."""
    quiet = 0
    while quiet < 2:
        status = json.loads(system.command("status", "--json"))
        lags = [i["lag"] or 0 for i in status["instances"]]
        quiet = quiet + 1 if sum(lags) == 0 else 0
        time.sleep(0.5)


def sustained_sagas(system, script, count):
    """Orders as fast as they are taken, until the last of them is shipped."""
    started = time.monotonic()
    taken = 0
    while taken < count:
        taken += wrk(system.url + "/orders", 100, 5, script)["count"]
    accepted = time.monotonic() - started
    wait_until_quiet(system)
    finished = time.monotonic() - started - 1.0
    return taken / max(finished, accepted), taken / accepted


def kill_to_answer(system, samples=5):
    times = []
    for _ in range(samples):
        os.kill(system.pid("order-0"), signal.SIGKILL)
        started = time.monotonic()
        system.create("/orders", {"bookId": 1, "customerId": 1, "quantity": 1, "deliveryAddress": "bench"})
        times.append((time.monotonic() - started) * 1000)
        time.sleep(2)
    return statistics.median(times)


class Bench:
    """One system on one broker, and the rows it gives."""

    def __init__(self, broker, options, scratch, rows):
        self.broker, self.options, self.rows = broker, options, rows
        floors = Floors(scratch)
        self.system = System(broker, scratch)
        self.script = order_script(scratch)
        self.idle = self.system.memory()
        self.note("start, until everything is ready", f"{self.system.start_milliseconds:.0f} ms")
        for number in range(1, 25):
            self.system.create("/customers", {"customerName": f"customer {number}"})
            self.system.create("/books", {"bookName": f"book {number}", "stock": PLENTY})
        wrk(self.system.url + "/orders", 10, 3, self.script)
        wait_until_quiet(self.system)
        def median(kind, window, count):
            runs = [floors.broker(self.system.bootstrap, kind, window, count) for _ in range(options.runs)]
            rates = sorted(r["rate"] for r in runs)
            return {"rate": statistics.median(rates), "p50": statistics.median(r["p50"] for r in runs),
                    "spread": f"{rates[0]:.0f}–{rates[-1]:.0f}"}

        self.write, self.single, self.query = (
            median("write", 100, 20000), median("write", 1, 500), median("query", 100, 40000))
        self.note("floor: writes, window 100", f"{self.write['rate']:.0f}/s ({self.write['spread']})", "1")
        self.note("floor: one write, p50", f"{self.single['p50']:.2f} ms", "1")
        self.note("floor: queries, window 100", f"{self.query['rate']:.0f}/s ({self.query['spread']})", "1")

    def note(self, what, measured, ratio=""):
        self.rows.append((self.broker, what, measured, ratio))
        print("| " + " | ".join(self.rows[-1]) + " |", flush=True)

    def load(self, name, path, connections, script=None, ratio=None):
        runs = [wrk(self.system.url + path, connections, self.options.seconds, script)
                for _ in range(self.options.runs)]
        rates = sorted(r["rate"] for r in runs)
        middle = sorted(runs, key=lambda r: r["rate"])[len(runs) // 2]
        bad = sum(r["bad"] for r in runs)
        self.note(f"{name}, {connections} connections",
                  f"{middle['rate']:.0f}/s ({rates[0]:.0f}–{rates[-1]:.0f}), p50 {middle['p50']:.1f} ms, "
                  f"p99 {middle['p99']:.1f} ms" + (f", {bad} not 2xx" if bad else ""),
                  ratio(middle["rate"]) if ratio else "")

    def orders(self):
        for connections in (1, 10, 100):
            self.load("orders", "/orders", connections, self.script, connections == 100 and (
                lambda rate: f"{rate / self.write['rate'] * 100:.0f} % of the floor's writes (goal ≥ 35 %)"))
            wait_until_quiet(self.system)

    def gets(self):
        for connections in (1, 10, 100):
            self.load("GET of one book", "/books/1", connections, None, connections == 100 and (
                lambda rate: f"{rate / self.query['rate'] * 100:.0f} % of the floor's queries (goal ≥ 60 %)"))
        self.load("GET of the list of 24 books", "/books", 10)

    def shipped(self):
        p50, p99 = shipped_latency(self.system, 200)
        self.note("order → Shipped in MyPage, unloaded", f"p50 {p50:.1f} ms, p99 {p99:.1f} ms",
                  f"{p50 / self.single['p50']:.1f}× and {p99 / self.single['p50']:.1f}× the floor's one write "
                  "(goals ≤ 12× and ≤ 30×)")

    def sagas(self):
        sagas, accepted = sustained_sagas(self.system, self.script, self.options.sagas)
        self.note(f"sagas over {self.options.sagas} orders", f"{sagas:.0f}/s (taken at {accepted:.0f}/s)",
                  f"{sagas / self.write['rate'] * 100:.0f} % of the floor's writes (goal ≥ 25 %)")

    def life(self):
        self.note("order-0 killed → next order answered", f"{kill_to_answer(self.system):.0f} ms")
        pid = self.system.pid("delivery-0")
        os.kill(pid, signal.SIGSTOP)
        taken = wrk(self.system.url + "/orders", 100, 5, self.script)["count"]
        os.kill(pid, signal.SIGCONT)
        began = time.monotonic()
        wait_until_quiet(self.system)
        seconds = max(0.1, time.monotonic() - began - 1.0)
        self.note("delivery stood still for 5 s under load → all caught up", f"{seconds:.1f} s, {taken / seconds:.0f} orders/s")
        loaded = self.system.memory()
        self.note("memory idle → after all this, MiB",
                  ", ".join(f"{name} {self.idle[name]:.0f} → {loaded[name]:.0f}" for name in sorted(self.idle)))

    def stored(self):
        """What one order costs, saga and all, in CPU time of all processes, when so many are stored already."""
        first = None
        for goal in map(int, self.options.stored.split(",")):
            while self.system.orders_stored() < goal:
                wrk(self.system.url + "/orders", 50, 5, self.script)
                wait_until_quiet(self.system)
            stored, before = self.system.orders_stored(), self.system.cpu_microseconds()
            count = wrk(self.system.url + "/orders", 10, self.options.seconds, self.script)["count"]
            wait_until_quiet(self.system)
            cost = (self.system.cpu_microseconds() - before) / count
            first = first or cost
            self.note(f"cost of an order at {stored} stored", f"{cost:.0f} µs CPU", f"{cost / first:.2f}× the first")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--sagas", type=int, default=20000)
    parser.add_argument("--stored", default="1000,20000", help="numbers of orders at which the cost of one is measured")
    parser.add_argument("--pieces", default="orders,gets,shipped,sagas,life,stored")
    parser.add_argument("--brokers", default="embedded,kafka" if os.environ.get("KAFKA_HOME") else "embedded")
    parser.add_argument("--report")
    options = parser.parse_args()
    rows = []
    scratch = tempfile.mkdtemp(prefix="bookstore-bench-")
    header = "| broker | what | measured | ratio |\n|---|---|---|---|"
    print(header)
    try:
        http = Floors(scratch).http(100, options.seconds)
        rows.append(("none", "floor: libmicrohttpd alone, 100 connections", f"{http['rate']:.0f}/s", "1"))
        print(f"| {' | '.join(rows[0])} |", flush=True)
        for broker in options.brokers.split(","):
            bench = Bench(broker, options, scratch, rows)
            try:
                for piece in options.pieces.split(","):
                    # The gateway has closed a connection that was idle through the last piece; the next call opens another.
                    bench.system.client.close()
                    getattr(bench, piece)()
            finally:
                bench.system.close()
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    if options.report:
        with open(options.report, "w") as file:
            file.write(header + "\n" + "".join(f"| {' | '.join(row)} |\n" for row in rows))


if __name__ == "__main__":
    main()
