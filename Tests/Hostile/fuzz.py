#!/usr/bin/env python3
"""Sends random, mostly wrong requests to a gateway: every one must be answered, and never with a 5xx.

    Tests/Hostile/fuzz.py URL REQUESTS [SEED] [PID…]

Several processes with a few kept-alive connections each, requests pipelined in small batches: what is made has no
honest client behind it. The memory of the processes named by PID is shown before, halfway and at the end.
"""
import json
import multiprocessing
import random
import socket
import sys
import time
from collections import Counter
from urllib.parse import urlsplit

PROCESSES = 3
BATCH = 24
SILENCE_SECONDS = 60
WRONG = ["{}", "[]", "[1]", '{"a":1}', "true", "false", "null", "-1", '"-1"', "1.5", '"abc"', "99999999999999999999", "0",
         '"1e3"', "9223372036854775807", "9223372036854775808", "-9223372036854775809", "2147483648", '"\\u0000"',
         '"\\ud800"', '"\\ud83d\\udcda"', "1e400", "01", "NaN", '"' + "x" * 1_001 + '"', "[" * 300, '{"a":' * 40]
FIELDS = {
    ("POST", "/customers"): ["customerName"], ("POST", "/books"): ["bookName", "stock"],
    ("PATCH", "/books/{}"): ["bookName", "stock"], ("PUT", "/customers/{}"): ["customerName"],
    ("POST", "/stockInputs"): ["bookId", "quantity", "inCharger"],
    ("POST", "/orders"): ["bookId", "customerId", "quantity", "deliveryAddress"],
    ("PATCH", "/orders/{}"): ["orderStatus"], ("PATCH", "/deliveries/{}"): ["deliveryStatus"],
}
RIGHT = ["1", "2", '"3"', '"a"', '"7"']
PIECES = ["books", "orders", "stockInputs", "myPages", "customers", "deliveries", "deliverables", "1", "2", "0", "-1",
          "abc", "search", "profile", "%20", "%00", "%2f", "..", "%F0%9F%93%9A", "9223372036854775807",
          "9223372036854775808", "", "a;b", "%zz", "openapi.json", "health", "findByCustomerId"]
QUERIES = ["page=1", "page=-1", "page=99999999999999999999", "size=0", "size=abc", "size=1000", "sort=stock,desc",
           "sort=;drop", "customerId=1", "customerId=abc", "a=b&a=c", "%", "=", "&&&", "size=1&size=2", "page=%00"]
HEADERS = ["Accept: */*;q=0", "Accept: text/html", "Accept: application/json;q=x", "If-Match: *", 'If-Match: "0"',
           'If-None-Match: W/"x"', "Idempotency-Key: ", "Idempotency-Key: a b", "Idempotency-Key: " + "k" * 300,
           "Prefer: wait=-1", "traceparent: 00-x", "X-Request-Id: \x7f", "Content-Encoding: gzip", "Origin: null",
           "X-HTTP-Method-Override: DELETE", "Range: bytes=0-0", "Cookie: " + "c" * 2_000, "X-Forwarded-For: 1.2.3.4"]
TYPES = ["application/json"] * 12 + ["text/plain", "application/xml", "a", ";", "application/json; charset=latin1"]
METHODS = ["GET", "GET", "GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "BREW"]


def body_of(fields, chance):
    """Members right and wrong, in any order, some missing, some twice; one in eight is cut off."""
    members = [f'"{name}":{chance.choice(WRONG if chance.random() < 0.4 else RIGHT)}'
               for name in fields if chance.random() < 0.93]
    chance.shuffle(members)
    if members and chance.random() < 0.05:
        members.append(members[0])
    text = "{" + ",".join(members) + "}"
    return text[:chance.randrange(len(text))] if chance.random() < 0.125 else text


def request(host, chance):
    if chance.random() < 0.6:
        (method, path), fields = chance.choice(list(FIELDS.items()))
        # Few ids beyond those there are: what a stranger guesses.
        path = path.format(chance.choice([1, 2, 3, 40, 0, -1, "x", 2**63 - 1, 2**63]))
        body = body_of(fields, chance)
    else:
        method = chance.choice(METHODS)
        path = "/" + "/".join(chance.choice(PIECES) for _ in range(chance.randrange(4)))
        body = "" if method in ("GET", "DELETE", "OPTIONS", "BREW") else chance.choice(["", "[]", "{", "null", "{}"])
    if chance.random() < 0.2:
        path += "?" + chance.choice(QUERIES)
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}"] + chance.sample(HEADERS, chance.choice([0, 0, 0, 1, 2]))
    content = body.encode()
    if content or method in ("POST", "PUT", "PATCH"):
        lines += [f"Content-Type: {chance.choice(TYPES)}", f"Content-Length: {len(content)}"]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + content


class Connection:
    """A pipe with requests in it, and the answers in their order."""

    def __init__(self, address):
        self.socket = socket.create_connection(address, timeout=SILENCE_SECONDS)
        self.stream = self.socket.makefile("rb", buffering=1 << 16)

    def answer(self):
        """Status and body, and whether the connection goes on; None when it has ended."""
        head = self.stream.readline()
        if not head:
            return None
        status, length, goes_on, chunked = int(head.split(b" ", 2)[1]), 0, True, False
        while (line := self.stream.readline()) not in (b"\r\n", b""):
            name, _, value = line.partition(b":")
            name = name.lower()
            if name == b"content-length":
                length = int(value)
            elif name == b"connection" and value.strip().lower() == b"close":
                goes_on = False
            elif name == b"transfer-encoding":
                chunked = True
        body = b""
        if chunked:
            while (size := int(self.stream.readline(), 16)) >= 0:
                body += self.stream.read(size)
                self.stream.readline()
                if size == 0:
                    break
        elif length:
            body = self.stream.read(length)
        return status, body, goes_on


def work(address, count, seed, results, done):
    chance = random.Random(seed)
    statuses, complaints, reopened, slowest = Counter(), [], 0, 0.0
    host = f"{address[0]}:{address[1]}"
    connection = None
    sent = 0
    while sent < count:
        waiting = [request(host, chance) for _ in range(min(BATCH, count - sent))]
        sent += len(waiting)
        alone = False
        while waiting:
            if connection is None:
                connection = Connection(address)
            batch = waiting[:1] if alone else waiting[:]
            began = time.monotonic()
            try:
                connection.socket.sendall(b"".join(batch))
                for content in batch:
                    answer = connection.answer()
                    if answer is None:
                        raise ConnectionError("ended before the answer")
                    status, body, goes_on = answer
                    slowest = max(slowest, time.monotonic() - began)
                    statuses[status] += 1
                    waiting.pop(0)
                    if status >= 500 and status != 501 and len(complaints) < 20:
                        complaints.append((status, content[:300].decode("latin1"), body[:300].decode("latin1")))
                    if not goes_on:
                        # What was sent behind it is sent again.
                        connection = None
                        reopened += 1
                        break
                alone = False
            except (OSError, ValueError) as problem:
                connection = None
                reopened += 1
                if alone or len(batch) == 1:
                    statuses["none"] += 1
                    complaints.append(("none", waiting.pop(0)[:300].decode("latin1"), repr(problem)))
                    alone = False
                else:
                    alone = True  # Which of them was it?
        with done.get_lock():
            done.value += min(BATCH, count)
    results.put((statuses, complaints, reopened, slowest))


def memory(pids):
    found = []
    for pid in pids:
        try:
            with open(f"/proc/{pid}/status") as lines:
                fields = dict(line.split(":", 1) for line in lines)
            found.append(f"{fields['Name'].strip()} {pid} {int(fields['VmRSS'].split()[0]) / 1024:.1f} MiB")
        except (OSError, KeyError):
            found.append(f"{pid} IS GONE")
    return found


def main():
    url, total = urlsplit(sys.argv[1]), int(sys.argv[2])
    seed = int(sys.argv[3]) if len(sys.argv) > 3 and sys.argv[3] else random.randrange(10**9)
    pids = sys.argv[4:]
    address = (url.hostname, url.port)
    print(f"fuzz: {total} requests to {sys.argv[1]}, seed {seed}", flush=True)
    results, done = multiprocessing.Queue(), multiprocessing.Value("q", 0)
    began = time.monotonic()
    crew = [multiprocessing.Process(
        target=work, args=(address, total // PROCESSES + (n < total % PROCESSES), seed * 1_000 + n, results, done))
        for n in range(PROCESSES)]
    for one in crew:
        one.start()
    told = 0
    while any(one.is_alive() for one in crew) and results.qsize() < PROCESSES:
        tenth = 10 * done.value // total
        if tenth > told and tenth in (1, 5):
            told = tenth
            print(f"  {time.monotonic() - began:5.0f} s, {done.value} sent; memory " + ", ".join(memory(pids)), flush=True)
        time.sleep(0.2)
    statuses, complaints, reopened, slowest = Counter(), [], 0, 0.0
    for _ in crew:
        some, said, opened, slow = results.get(timeout=SILENCE_SECONDS)
        statuses += some
        complaints += said
        reopened += opened
        slowest = max(slowest, slow)
    for one in crew:
        one.join()
    seconds = time.monotonic() - began
    gone = [line for line in memory(pids) if "GONE" in line]
    print(f"  {seconds:5.0f} s, all sent; memory " + ", ".join(memory(pids)))
    print("  " + ", ".join(f"{count} × {status}" for status, count in sorted(statuses.items(), key=str)))
    print(f"  {seconds:.0f} s, {sum(statuses.values()) / seconds:.0f}/s, slowest batch of {BATCH} {slowest:.1f} s, "
          f"{reopened} connections closed by the server")
    for status, content, answer in complaints[:20]:
        print(f"  ✗ {status}: {json.dumps(content)} → {json.dumps(answer)}")
    bad = [status for status in statuses if status == "none" or status >= 500 and status != 501]
    verdict = not bad and not gone and sum(statuses.values()) == total
    print(f"{'PASSED' if verdict else 'FAILED'}: {sum(statuses.values())} answers to {total} requests, "
          f"{sum(statuses[status] for status in bad)} × 5xx or none, {len(gone)} processes gone (seed {seed})")
    sys.exit(0 if verdict else 1)


main()
