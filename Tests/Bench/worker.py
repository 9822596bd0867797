#!/usr/bin/env python3
"""The counter service of the tests against the floor under it, on one broker, with the same window.

    Tests/Bench/worker.py [--brokers embedded,kafka] [--pieces throughput,restore,life,catchup,memory] [--scale 1] [--report FILE]

The floor is Tests/Bench/brokerbench.c: the same transactions in C, without JSON, rules, SQLite and events that come back.
Needs release builds of counter, counter-bench and bookstore (`make bench-worker`), and gcc. Prints a Markdown table.
"""
import argparse
import json
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import tempfile
import time

from machine import ROOT, free_port, run

RELEASE = os.path.join(ROOT, ".build", "release")
SHARDS = 12
TICKS = os.sysconf("SC_CLK_TCK")


def wait_until(condition, what, seconds=60):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.005)
    raise SystemExit(f"gave up waiting for {what}")


class Broker:
    def __init__(self, kind, scratch):
        self.kind, self.process = kind, None
        self.directory = os.path.join(scratch, f"broker-{kind}")
        if kind == "kafka":
            self.bootstrap = run(os.path.join(os.environ["KAFKA_HOME"], "bin", "kafka-dev"), "start", self.directory)
            self.bootstrap = self.bootstrap.split()[-1]
            return
        port = free_port()
        self.bootstrap = f"127.0.0.1:{port}"
        self.process = subprocess.Popen(
            [os.path.join(RELEASE, "bookstore"), "broker", "--dir", self.directory, "--port", str(port)],
            env=dict(os.environ, LOG_LEVEL="warning"))

        def listens():
            with socket.socket() as s:
                return s.connect_ex(("127.0.0.1", port)) == 0
        wait_until(listens, "the broker")

    def close(self):
        if self.process:
            self.process.kill()
            self.process.wait()
        else:
            run(os.path.join(os.environ["KAFKA_HOME"], "bin", "kafka-dev"), "kill", self.directory)


class Worker:
    """One counter worker that owns all shards."""

    def __init__(self, broker, directory, one_core=False):
        self.directory, self.log = directory, directory + ".log"
        environment = dict(os.environ, KAFKA_BOOTSTRAP=broker.bootstrap, LOG_LEVEL="info", LOG_FORMAT="json")
        command = [os.path.join(RELEASE, "counter"), "counter-0", directory]
        self.began = time.monotonic()
        self.output = open(self.log, "w")
        self.process = subprocess.Popen(
            (["taskset", "-c", "0"] if one_core else []) + command, env=environment, stdout=self.output,
            stderr=subprocess.STDOUT)

    def line(self, message):
        with open(self.log) as file:
            for line in file:
                if f'"{message}"' in line:
                    return json.loads(line)
        return None

    def await_ready(self, seconds=120):
        wait_until(lambda: self.line("ready"), "the worker", seconds)
        self.ready_milliseconds = (time.monotonic() - self.began) * 1000
        return self

    def health(self):
        try:
            with open(os.path.join(self.directory, "health")) as file:
                return json.load(file)
        except (OSError, ValueError):
            return {}

    def cpu_microseconds(self):
        with open(f"/proc/{self.process.pid}/stat") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) * 1e6 / TICKS

    def resident_mebibytes(self):
        with open(f"/proc/{self.process.pid}/status") as file:
            return int(re.search(r"VmRSS:\s+(\d+)", file.read()).group(1)) / 1024

    def end(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        self.process.wait(30)
        self.output.close()


class Bench:
    def __init__(self, kind, options, scratch):
        self.options, self.rows, self.scratch = options, [], scratch
        self.kind = kind
        self.floor_tool = os.path.join(scratch, "brokerbench")
        run("gcc", "-O2", os.path.join(ROOT, "Tests/Bench/brokerbench.c"), "-o", self.floor_tool, "-lrdkafka", "-lpthread")
        self.broker = Broker(kind, scratch)
        self.directory = os.path.join(scratch, f"counter-{kind}")
        self.client("topics")
        self.worker = Worker(self.broker, self.directory).await_ready()

    def close(self):
        if self.worker.process.poll() is None:
            self.worker.end(signal.SIGKILL)
        self.broker.close()

    def note(self, what, measured, floor="", verdict=""):
        self.rows.append((self.kind, what, measured, floor, verdict))
        print("| " + " | ".join(self.rows[-1]) + " |", flush=True)

    def count(self, number):
        return max(100, int(number * self.options.scale))

    def client(self, *arguments):
        return run(os.path.join(RELEASE, "counter-bench"), self.broker.bootstrap, *map(str, arguments))

    @staticmethod
    def figures(text):
        return float(text.split()[0]), float(re.search(r"p50 +([\d.]+)", text).group(1))

    # The pieces.

    def throughput(self):
        for kind, window, count in (("write", 1, 600), ("write", 100, 24000), ("write", 500, 40000),
                                    ("query", 1, 3000), ("query", 100, 60000), ("query", 500, 60000)):
            floors, counters, cpu = [], [], []
            for _ in range(self.options.runs):
                floors.append(self.figures(run(
                    self.floor_tool, self.broker.bootstrap, kind, str(window), str(self.count(count)), str(SHARDS))))
                before = self.worker.cpu_microseconds()
                counters.append(self.figures(self.client(kind, window, self.count(count))))
                cpu.append((self.worker.cpu_microseconds() - before) / self.count(count))
            rate, floor_rate = (statistics.median(r for r, _ in runs) for runs in (counters, floors))
            p50, floor_p50 = (statistics.median(p for _, p in runs) for runs in (counters, floors))
            spread = f"{min(r for r, _ in counters):.0f}–{max(r for r, _ in counters):.0f}"
            name = {"write": "increments", "query": "queries"}[kind]
            if window == 1:
                self.note(f"{name}, one at a time, p50", f"{p50:.2f} ms", f"{floor_p50:.2f} ms",
                          f"{p50 / floor_p50:.2f}×" + (" (goal ≤ 1.6×)" if kind == "write" else ""))
            else:
                self.note(f"{name}, window {window}",
                          f"{rate:.0f}/s ({spread}), worker {statistics.median(cpu):.0f} µs CPU",
                          f"{floor_rate:.0f}/s", f"{rate / floor_rate * 100:.0f} % (goal ≥ 60 %)")

    def restore(self):
        self.client("write", 500, self.count(100000))
        self.worker.end()
        shutil.rmtree(self.directory)
        self.worker = Worker(self.broker, self.directory).await_ready()
        restored = self.worker.line("restored")
        records, milliseconds = int(restored["records"]), max(1, int(restored["milliseconds"]))
        self.note("restore of 12 lost shards", f"{records * 1000 // milliseconds} rows/s ({records} rows)", "",
                  "goal ≥ 150,000/s")

    def life(self):
        starts = []
        for _ in range(5):
            self.worker.end()
            self.worker = Worker(self.broker, self.directory).await_ready()
            starts.append(self.worker.ready_milliseconds)
        self.note("start → ready, warm files", f"{statistics.median(starts):.0f} ms ({min(starts):.0f}–{max(starts):.0f})",
                  "", "goal ≤ 300 ms")
        self.note("resident memory, idle", f"{self.worker.resident_mebibytes():.0f} MiB", "", "goal ≤ 25")
        silences = []
        for _ in range(5):
            client = subprocess.Popen(
                [os.path.join(RELEASE, "counter-bench"), self.broker.bootstrap, "write", "1", "3000"],
                stdout=subprocess.PIPE, text=True)
            time.sleep(1.0)
            self.worker.end(signal.SIGKILL)
            self.worker = Worker(self.broker, self.directory)
            silences.append(float(re.search(r"max ([\d.]+)", client.communicate()[0]).group(1)))
            self.worker.await_ready()
        self.note("killed → answering again", f"{statistics.median(silences):.0f} ms ({min(silences):.0f}–{max(silences):.0f})",
                  "", "goal ≤ 1000 ms")

    def catchup(self):
        count = self.count(1000000)
        self.worker.end()
        self.client("events", 1, count)
        self.worker = Worker(self.broker, self.directory, one_core=True).await_ready()
        began, cpu = time.monotonic(), self.worker.cpu_microseconds()
        # The lag is told twice a second; at first it is not known yet.
        wait_until(lambda: self.worker.health().get("lag", 0) > 0, "the backlog to be seen", 20)
        wait_until(lambda: self.worker.health().get("lag", 1) == 0, "the backlog to be gone", 300)
        seconds = time.monotonic() - began
        used = (self.worker.cpu_microseconds() - cpu) / count
        self.note(f"catch-up of {count} events, one core", f"{count / seconds:.0f}/s, {used:.0f} µs CPU an event", "",
                  "goal ≥ 50,000/s")
        self.worker.end()
        self.worker = Worker(self.broker, self.directory).await_ready()

    def memory(self):
        seen = [self.worker.resident_mebibytes()]
        for kind, window in (("write", 500), ("query", 100)) * 2:
            self.client(kind, window, self.count(250000))
            seen.append(self.worker.resident_mebibytes())
        self.note(f"resident memory over {4 * self.count(250000)} requests",
                  " → ".join(f"{mebibytes:.0f}" for mebibytes in seen) + " MiB", "", "goal ≤ 40, flat")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--brokers", default="embedded,kafka" if os.environ.get("KAFKA_HOME") else "embedded")
    parser.add_argument("--pieces", default="throughput,restore,life,catchup,memory")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--scale", type=float, default=1)
    parser.add_argument("--report", help="write the table here as well")
    options = parser.parse_args()
    rows = []
    scratch = tempfile.mkdtemp(prefix="bench-worker-")
    print("| broker | what | counter | floor | ratio or goal |\n|---|---|---|---|---|")
    try:
        for kind in options.brokers.split(","):
            bench = Bench(kind, options, scratch)
            try:
                for piece in options.pieces.split(","):
                    getattr(bench, piece)()
            finally:
                bench.close()
            rows += bench.rows
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    if options.report:
        with open(options.report, "w") as file:
            file.write("| broker | what | counter | floor | ratio or goal |\n|---|---|---|---|---|\n")
            file.writelines(f"| {' | '.join(row)} |\n" for row in rows)


if __name__ == "__main__":
    main()
