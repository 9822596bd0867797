"""The seeds' check points and the drills of our own: each a function that returns its verdict or raises Failed."""

import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import threading
import time

import web
import yaml
from service import Service
from web import Failed, Siege, request, wait

COLLECTIONS = ["customers", "myPages", "books", "deliverables", "stockInputs", "orders", "deliveries"]
SECONDS = int(os.environ.get("SIEGE_SECONDS", "120"))


def say(text):
    print(f"  {text}", flush=True)


def expect(answer, status, what):
    if answer.status != status:
        raise Failed(f"{what}: expected {status}, got {answer.status} {answer.text[:300]}")
    return answer


class Shop:
    """A customer and a book with stock, made for one drill, and orders of them."""

    def __init__(self, target):
        self.base = target.gateway
        self.customer = self.create("customers", {"customerName": "drill"})["customerId"]
        self.book = self.create("books", {"bookName": "drill", "stock": "1000"})["bookId"]

    def create(self, collection, body):
        # A system that was just started may still be joining its groups.
        wait(f"{collection} to answer", lambda: request("GET", f"{self.base}/{collection}?size=1").status == 200, 90)
        return expect(request("POST", f"{self.base}/{collection}", body), 201, f"POST /{collection}").json

    def order(self, **more):
        body = {"bookId": self.book, "customerId": self.customer, "quantity": 1, "deliveryAddress": "bundang gu", **more}
        started = time.monotonic()
        answer = request("POST", f"{self.base}/orders", body, timeout=30)
        return answer, time.monotonic() - started

    def status(self, order):
        return request("GET", f"{self.base}/orders/{order}").json.get("orderStatus")

    def reaches(self, order, status, seconds=60):
        wait(f"order {order} to be {status}, it is {self.status(order)}", lambda: self.status(order) == status, seconds)
        say(f"order {order} is {status}")


def collections(target):
    """CNA-O1: all seven collections answer 200 through the gateway."""
    Shop(target)
    for name in COLLECTIONS:
        done = subprocess.run(
            ["http", "--ignore-stdin", "--print=h", "--check-status", f"{target.gateway}/{name}"],
            capture_output=True, text=True, timeout=60,
        )
        first = (done.stdout or done.stderr).strip().splitlines()
        say(f"http GET /{name:<13} {first[0].strip() if first else 'no answer'}")
        if not first or " 200 " not in first[0] + " ":
            raise Failed(f"GET /{name}: {first}")
    return "seven of seven answer 200"


def console(target):
    """CNA-O2: the console consumer prints every event as one line of JSON."""
    shop = Shop(target)
    order = expect(shop.order()[0], 201, "POST /orders").json["orderId"]
    shop.reaches(order, "Shipped")
    lines = [line for line in target.console().splitlines() if line.startswith("{")]
    events = [json.loads(line) for line in lines]
    for line in [line for line, event in zip(lines, events) if event.get("orderId") == order]:
        say(line)
    kinds = [event["eventType"] for event in events if event.get("orderId") == order]
    if sorted(kinds) != ["DeliveryPrepared", "DeliveryStatusChanged", "Ordered"]:
        raise Failed(f"events of order {order}: {kinds}")
    for event in events:
        if list(event)[:2] != ["eventType", "timestamp"] or len(event["timestamp"]) != 14:
            raise Failed(f"not as agreed: {event}")
    return f"{len(lines)} events, one line each; order {order}: {', '.join(kinds)}"


def report(siege):
    numbers = siege.verdict()
    say(f"{siege.line}: {numbers['transactions']:.0f} hits, {numbers['availability']:.2f} %, "
        f"{numbers['transaction_rate']:.1f}/s, longest {numbers['longest_transaction'] * 1000:.0f} ms, "
        f"{numbers['failed_transactions']:.0f} failed")
    return numbers


def full(numbers):
    if numbers["availability"] < 100 or numbers["failed_transactions"] > 0:
        raise Failed(f"availability {numbers['availability']} %, {numbers['failed_transactions']:.0f} failed")


def rolling(target):
    """CNA-O4: order is replaced under siege; through the gateway nobody notices, at its own port somebody would."""
    Shop(target)
    if target.name == "podman":
        return rolling_pair(target)
    siege = Siege(f"{target.gateway}/orders", 2, SECONDS)
    beside = Siege(f"{target.order}/orders", 2, SECONDS, patience=2)
    time.sleep(min(10, SECONDS / 4))
    started = time.monotonic()
    target.restart("order")
    wait("order to be ready", lambda: target.ready("order"), 90)
    say(f"order was replaced in {time.monotonic() - started:.1f} s")
    through = report(siege)
    past = report(beside)
    full(through)
    return (f"100.00 % through the gateway, whose requests wait in the log; "
            f"{past['availability']:.2f} % straight at the one pod of order, as without readiness")


def rolling_pair(target):
    """Two pods of order are replaced one after the other, behind a Service that asks the readiness probe and one that does not."""
    pair = ["order-0", "order-1"]
    target.play("order", pair[1])
    try:
        with Service(target, "order", pair, True) as asking, Service(target, "order", pair, False) as blind:
            sieges = {
                "the gateway": Siege(f"{target.gateway}/orders", 2, SECONDS),
                "Service order": Siege(f"{asking.url}/orders", 2, SECONDS),
                "Service order without the readiness probe": Siege(f"{blind.url}/orders", 2, SECONDS),
            }
            time.sleep(min(10, SECONDS / 4))
            started = time.monotonic()
            target.restart("order", pair, ready=lambda pod: pod in asking.endpoints)
            say(f"both pods were replaced in {time.monotonic() - started:.1f} s")
            seen = {}
            for way, siege in sieges.items():
                say(f"through {way}:")
                seen[way] = report(siege)
    finally:
        target.delete(pair[1])
    wait("one pod to own everything again", lambda: request("GET", f"{target.gateway}/orders?size=1").status == 200, 60)
    full(seen["the gateway"])
    full(seen["Service order"])
    blind = seen["Service order without the readiness probe"]["availability"]
    return f"100.00 % through the gateway and through the Service, {blind:.2f} % without the readiness probe"


def zombie(target):
    """CNA-O5: /makeZombie, the liveness probe fails, the container is restarted, 200 again."""
    Shop(target)
    siege = Siege(f"{target.gateway}/orders", 2, min(SECONDS, 100))
    time.sleep(3)
    expect(request("GET", f"{target.order}/isHealthy"), 200, "isHealthy before")
    expect(request("GET", f"{target.order}/makeZombie"), 200, "makeZombie")
    seen = request("GET", f"{target.order}/isHealthy")
    say(f"GET /makeZombie 200, then GET /isHealthy {seen.status} {seen.text[:80]}")
    expect(seen, 500, "isHealthy of a zombie")
    started = time.monotonic()

    def healthy():
        return request("GET", f"{target.order}/isHealthy", timeout=2).status == 200

    if target.name == "podman":
        kubelet = target.kubelet("order", say)
        kubelet.guard(healthy, 120)
    else:
        wait("the restart", healthy, 180)
    say(f"200 again after {time.monotonic() - started:.0f} s")
    full(report(siege))
    return "the zombie was restarted and the gateway's callers noticed nothing"


def pipeline(target):
    """CNA-O6: the pipeline file fits GitHub's schema, goes from lint to a running system, and calls only what exists."""
    here = pathlib.Path(__file__).parent
    for file in sorted((here.parents[1] / ".github" / "workflows").glob("*.yml")):
        for name, job in yaml.safe_load(file.read_text())["jobs"].items():
            after = job.get("needs", [])
            say(f"{file.name}: {name}{f' after {chr(44).join(after)}' if after else ''}: "
                + "; ".join(" ".join(step["run"].split())[:60] for step in job["steps"] if "run" in step))
    done = web.run(sys.executable, "-B", "-m", "pytest", "-q", "-p", "no:cacheprovider", str(here), "-k", "pipeline", check=False)
    if done.returncode != 0:
        raise Failed(done.stdout[-1500:])
    return done.stdout.strip().splitlines()[-1]


def breaker(target):
    """CNA-O7: a service that does not answer costs three time-outs; then nobody waits for it until it is back."""
    shop = Shop(target)
    expect(shop.order()[0], 201, "an order before")
    target.pause("customer")
    try:
        times = []
        for _ in range(6):
            answer, seconds = shop.order()
            status = expect(answer, 201, "an order meanwhile").json["orderStatus"]
            times.append(seconds)
            say(f"customer is suspended: 201 {status} after {seconds * 1000:.0f} ms")
            if status != "Customer_Not_Verified":
                raise Failed(f"expected Customer_Not_Verified, got {status}")
        if min(times[3:]) > 1:
            raise Failed("the circuit never opened")
    finally:
        target.unpause("customer")

    def verified():
        return shop.order()[0].json.get("orderStatus") == "Ordered"

    started = time.monotonic()
    wait("a verified order", verified, 60, every=1)
    say(f"customer is back: Ordered again after {time.monotonic() - started:.1f} s")
    fallback = request("GET", f"{target.gateway}/circuitBreaker?isYn=Y")
    say(f"GET /circuitBreaker?isYn=Y → {fallback.status} {fallback.text.strip()}")
    return f"first order {times[0] * 1000:.0f} ms, with the circuit open {min(times[3:]) * 1000:.0f} ms"


def cors(target):
    """CNA-O8: the gateway lets pages of any origin call it, with credentials."""
    origin = {"Origin": "http://example.com"}
    answer = wait("the gateway", lambda: (a := request("GET", f"{target.gateway}/books", headers=origin)).status == 200 and a, 60)
    preflight = request("OPTIONS", f"{target.gateway}/orders", headers={
        **origin, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"})
    for what, seen in (("GET /books", answer), ("preflight of POST /orders", preflight)):
        allowed = {key: value for key, value in seen.headers.items() if key.lower().startswith("access-control-allow")}
        say(f"{what}: {seen.status} {allowed}")
        if seen.status != 200 or seen.headers.get("Access-Control-Allow-Origin") != "http://example.com":
            raise Failed(what)
        if seen.headers.get("Access-Control-Allow-Credentials") != "true":
            raise Failed(f"{what}: no credentials")
    if "POST" not in preflight.headers.get("Access-Control-Allow-Methods", ""):
        raise Failed("the preflight does not allow POST")
    unknown = request("OPTIONS", f"{target.gateway}/nothing", headers={**origin, "Access-Control-Request-Method": "POST"})
    expect(unknown, 403, "preflight of an unknown path")
    return "any origin, credentials allowed, unknown paths refused"


def customer_removed(target):
    """CNA 1.4.5: without a customer service orders are taken and marked Customer_Not_Verified."""
    shop = Shop(target)
    target.stop("customer")
    try:
        answer, seconds = shop.order()
        order = expect(answer, 201, "POST /orders without customer").json
        say(f"customer is gone: 201 {order['orderStatus']} after {seconds:.1f} s")
        if order["orderStatus"] != "Customer_Not_Verified":
            raise Failed(str(order))
    finally:
        target.start("customer")
    wait("the customer service", lambda: request("GET", f"{target.gateway}/customers/{shop.customer}").status == 200, 90)

    def verified():
        answer = shop.order()[0]
        return answer.json["orderId"] if answer.status == 201 and answer.json["orderStatus"] == "Ordered" else None

    later = wait("a verified order", verified, 60, every=1)
    shop.reaches(later, "Shipped")
    if shop.status(order["orderId"]) != "Customer_Not_Verified":
        raise Failed("the unverified order changed")
    events = [json.loads(l) for l in target.console().splitlines() if l.startswith("{")]
    if any(event.get("orderId") == order["orderId"] for event in events):
        raise Failed("an unverified order was forwarded")
    return "201 Customer_Not_Verified, never forwarded; Ordered again when customer is back"


def delivery_removed(target):
    """CNA 1.4.7: without delivery orders go on to Delivery_Prepared; it ships them when it is back."""
    shop = Shop(target)
    target.stop("delivery")
    try:
        orders = [expect(shop.order()[0], 201, "POST /orders").json["orderId"] for _ in range(3)]
        for order in orders:
            shop.reaches(order, "Delivery_Prepared")
    finally:
        target.start("delivery")
    for order in orders:
        shop.reaches(order, "Shipped", 90)
    return f"{len(orders)} orders waited as Delivery_Prepared and were shipped when delivery was back"


def broker_removed(target):
    """Kafka goes away and comes back: no order is promised meanwhile, none that was promised is lost."""
    shop = Shop(target)
    kept = [expect(shop.order()[0], 201, "POST /orders").json["orderId"]]
    target.stop("kafka")
    answer, seconds = shop.order()
    say(f"Kafka is gone: {answer.status} after {seconds:.1f} s")
    if answer.status not in (503, 504):
        target.start("kafka")
        raise Failed(f"expected 503 or 504, got {answer.status} {answer.text[:200]}")
    time.sleep(10)
    target.start("kafka")
    started = time.monotonic()
    wait("Kafka's port", target.kafka_listens, 120)
    listening = time.monotonic()
    say(f"Kafka is started again, its port is open after {listening - started:.1f} s")

    def taken():
        answer = shop.order()[0]
        return answer.json["orderId"] if answer.status == 201 and answer.json["orderStatus"] == "Ordered" else None

    kept.append(wait("an order after Kafka's return", taken, 180, every=1))
    say(f"the first order is taken {time.monotonic() - listening:.1f} s later")
    for order in kept:
        shop.reaches(order, "Shipped", 90)
    stock = request("GET", f"{target.gateway}/books/{shop.book}").json["stock"]
    orders = request("GET", f"{target.gateway}/orders?size=1000").json["_embedded"]["orders"]
    shipped = [o for o in orders if o["bookId"] == shop.book and o["orderStatus"] == "Shipped"]
    wait("stock and shipped orders to agree",
         lambda: request("GET", f"{target.gateway}/books/{shop.book}").json["stock"] <= stock, 5)
    if 1000 - stock != len(shipped):
        raise Failed(f"stock fell by {1000 - stock}, {len(shipped)} orders were shipped")
    return f"refused while away, {len(shipped)} orders shipped, stock fell by exactly as many"


class Buyer(threading.Thread):
    """Orders one copy after the other until told to stop, and remembers what it was answered."""

    def __init__(self, shop):
        super().__init__(daemon=True)
        self.shop, self.answers, self.stopped = shop, [], threading.Event()
        self.last = None
        self.start()

    def run(self):
        while not self.stopped.is_set():
            answer, seconds = self.shop.order()
            self.answers.append((answer, seconds))
            self.last = answer.json["orderStatus"] if answer.status == 201 else None
            time.sleep(0.2)

    def stop(self):
        self.stopped.set()
        self.join(60)
        return self.answers


def tally(answers):
    """What an order was answered, and how often; a failed one by its reason."""
    kinds = {}
    for answer, _ in answers:
        kind = f"{answer.status} {answer.json['orderStatus'] if answer.status == 201 else answer.text[:100]}"
        kinds[kind] = kinds.get(kind, 0) + 1
    return kinds


def broker_of_three(target):
    """Each of three brokers is away once under orders: a stop goes unnoticed, a kill for seconds; nothing is lost."""
    brokers = target.brokers()
    if len(brokers) < 3:
        raise Failed(f"{target.name} has {len(brokers)} broker: bring it up with three")
    shop = Shop(target)
    expect(shop.order()[0], 201, "an order before")
    taken, doubtful = 1, 0
    for broker, away in ((brokers[1], target.stop), (brokers[0], target.stop), (brokers[2], target.kill)):
        buyer, started = Buyer(shop), time.monotonic()
        away(broker)
        time.sleep(20)
        if away == target.stop:
            target.start(broker)
        wait(f"{broker} to be back", lambda: target.kafka_listens(broker), 120, every=1)
        whole = wait("an order to be verified", lambda: buyer.last == "Ordered" and time.monotonic(), 120)
        # The others must have it back among the replicas in step before the next one goes.
        time.sleep(15)
        answers = buyer.stop()
        kinds = tally(answers)
        what = "stopped" if away == target.stop else "killed"
        say(f"{broker} {what}, back: {', '.join(f'{count} × {kind}' for kind, count in sorted(kinds.items()))}; "
            f"the slowest {max(seconds for _, seconds in answers):.1f} s")
        if away == target.stop and set(kinds) != {"201 Ordered"}:
            raise Failed(f"callers noticed that {broker} was stopped")
        if buyer.last != "Ordered":
            raise Failed(f"not whole again {time.monotonic() - started:.0f} s after {broker} was killed")
        if away == target.kill:
            say(f"verified orders again {whole - started:.0f} s after the kill at the latest")
        taken += kinds.get("201 Ordered", 0)
        doubtful += sum(count for kind, count in kinds.items() if not kind.startswith("201"))

    def sold():
        return 1000 - request("GET", f"{target.gateway}/books/{shop.book}").json["stock"]

    wait("the stock to follow", lambda: sold() >= taken, 60)
    if not taken <= sold() <= taken + doubtful:
        raise Failed(f"{taken} orders were taken and {doubtful} not answered, the stock fell by {sold()}")
    return f"{taken} orders taken, {doubtful} without an answer, stock fell by {sold()}"


def volume(target):
    """The volume of a worker is deleted: it restores its shards from Kafka."""
    shop = Shop(target)
    order = expect(shop.order()[0], 201, "POST /orders").json["orderId"]
    shop.reaches(order, "Shipped")
    lists = ("books", "deliverables", "stockInputs")

    def seen():
        answers = [request("GET", f"{target.gateway}/{name}?size=1000") for name in lists]
        return [answer.json for answer in answers] if all(answer.status == 200 for answer in answers) else None

    before = wait("the lists", seen, 30)
    target.wipe("bookinventory")
    say("the volume of bookinventory is gone")
    started = time.monotonic()
    target.revive("bookinventory")
    after = wait("bookinventory", seen, 120)
    say(f"it answers again after {time.monotonic() - started:.1f} s")
    if before != after:
        raise Failed("the lists differ from those before")
    rows = sum(len(x) if isinstance(x, list) else x["page"]["totalElements"] for x in after)
    return f"{rows} rows, all as before"


def config(target):
    """A changed ConfigMap value rolls every pod; callers notice nothing."""
    Shop(target)
    siege = Siege(f"{target.gateway}/orders", 2, 60) if target.name == "cluster" else None
    target.configure("LOG_FORMAT", "pretty")
    wait("the system to answer", lambda: request("GET", f"{target.gateway}/orders?size=1").status == 200, 90)
    if target.name in ("podman", "compose"):
        line = wait("a line for people in the log of order",
                    lambda: next((l for l in target.logs("order").splitlines() if "shards assigned" in l), None), 30)
        say("the log of order is for people now: " + re.sub(r"\x1b\[[0-9;]*m", "", line)[:120])
        if line.startswith("{"):
            raise Failed("the log is still JSON")
    if siege:
        full(report(siege))
    Shop(target)
    target.configure("LOG_FORMAT", "json")
    return "every pod runs with the new value, and with the old one again"


def autoscale(target):
    """CNA-O3: bookinventory goes from one pod to many under siege. Only a cluster scales by itself."""
    Shop(target)
    if target.name == "cluster":
        siege = Siege(f"{target.gateway}/books/", 10, 60)
        most = 1
        while siege.process.poll() is None:
            seen = target.kubectl("get", "hpa", "bookinventory", "-o", "jsonpath={.status.currentReplicas}").stdout
            most = max(most, int(seen or 1))
            time.sleep(5)
        full(report(siege))
        if most < 2:
            raise Failed("it never had more than one pod")
        return f"up to {most} pods"
    if target.name != "podman":
        target.missing("more than one pod a service")
    siege = Siege(f"{target.gateway}/books/", 10, min(SECONDS, 60))
    extra = [f"bookinventory-{ordinal}" for ordinal in (1, 2)]
    time.sleep(5)
    try:
        for pod in extra:
            target.play("bookinventory", pod)
        names = ["bookinventory-0", *extra]

        def shards():
            done = [subprocess.run(["podman", "exec", f"{name}-bookstore", "bookstore", "health", "ready"],
                                   capture_output=True, text=True) for name in names]
            return [d.stdout.strip() for d in done] if all(d.returncode == 0 and "0 shards" not in d.stdout for d in done) else None

        for name, text in zip(names, wait("three pods with shards", shards, 60)):
            say(f"{name}: {text}")
        full(report(siege))
    finally:
        for pod in extra:
            target.delete(pod)
    answer = wait("one pod to own everything again", lambda: (a := request("GET", f"{target.gateway}/books")).status == 200 and a, 60)
    return f"three pods shared the shards under siege, one again serves all ({answer.status})"


def message(line):
    """What a line of a log says, whether it is JSON or plain."""
    text = " ".join((json.loads(line)["message"] if line.startswith("{") else line).split())
    return text if len(text) <= 400 else f"{text[:250]} … {text[-120:]}"


def bad_input(target):
    """Wrong settings end the container at once with one line that names the variable; what may heal is waited for."""
    bad = BadInput(target)
    bad.settings()
    if target.credentials("order"):
        bad.credentials()
    bad.topics()
    bad.volumes()
    bad.unreachable()
    # Whoever got as far as joining the group held shards for a moment.
    wait("the system to be whole again", lambda: request("GET", f"{target.gateway}/orders?size=1").status == 200, 60)
    return "each said what is wrong"


class BadInput:
    """One more container of the system, with something wrong."""

    name = "cnabookstore-bad-input"
    anywhere = ("-v", "/var/lib/bookstore")

    def __init__(self, target):
        self.target = target

    def words(self, command, env, options, user):
        settings = {"KAFKA_BOOTSTRAP": self.target.bootstrap, "INSTANCE": "order-9", "ORDER_PORT": "8089", **env}
        flags = [word for key, value in settings.items() for word in ("-e", f"{key}={value}")]
        return ["--name", self.name, "--read-only", *self.target.network(), *self.target.credentials(user), *flags,
                *options, "cna-bookstore:latest", command]

    def remove(self):
        web.run("podman", "rm", "-f", "-v", "-t", "5", "-i", self.name, check=False)

    def start(self, command, env, options, user=None):
        self.remove()
        web.run("podman", "run", "-d", *self.words(command, env, options, user or command))

    def output(self):
        done = web.run("podman", "logs", self.name, check=False)
        return [line for line in (done.stderr + done.stdout).splitlines() if line.strip()]

    def state(self):
        return web.run("podman", "inspect", "--format", "{{.State.Status}} {{.State.ExitCode}}", self.name).stdout.split()

    def ends(self, what, names, command="order", env=None, options=anywhere, seconds=40, user=None):
        started = time.monotonic()
        self.start(command, env or {}, options, user)
        self.ended(what, names, started, seconds)

    def ended(self, what, names, started, seconds):
        """Waits for the end of what was started; its last line must name what is wrong."""
        try:
            wait(f"{what}: the end", lambda: self.state()[0] == "exited", seconds)
            status, lines = self.state()[1], self.output()
            say(f"{what}: exit {status} after {time.monotonic() - started:.1f} s")
            for line in lines[-1:]:
                say(f"    {message(line)}")
            if status == "0" or not lines or names not in lines[-1]:
                raise Failed(f"{what}: expected an end that names {names}: {lines[-3:]}")
        finally:
            self.remove()

    def waits(self, what, words, env, seconds=12):
        """It goes on trying, less and less often, is live and not ready, and says why in its log and to the probe."""
        self.start("order", env, self.anywhere)
        try:
            time.sleep(seconds)
            if self.state()[0] != "running":
                raise Failed(f"{what}: it ended: {self.output()[-2:]}")
            live, ready = (web.run("podman", "exec", self.name, "bookstore", "health", question, check=False)
                           for question in ("live", "ready"))
            say(f"{what}: still trying after {seconds} s, live: exit {live.returncode}, ready: exit {ready.returncode}")
            said = ready.stderr.strip()
            say(f"    {said}")
            hits = [line for line in self.output() if any(word in line.lower() for word in words)]
            for line in hits[-1:]:
                say(f"    {message(line)}")
            if live.returncode or not ready.returncode or not said or not hits:
                raise Failed(f"{what}: expected live, not ready and a reason: {self.output()[-3:]}")
        finally:
            self.remove()

    def settings(self):
        self.ends("KAFKA_BOOTSTRAP is missing", "KAFKA_BOOTSTRAP", env={"KAFKA_BOOTSTRAP": ""})
        self.ends("SHARDS is no number", "SHARDS", "topics", {"SHARDS": "many"})
        self.ends("LOG_LEVEL is unknown", "LOG_LEVEL", env={"LOG_LEVEL": "loud"})
        self.ends("ORDER_PORT is no port", "ORDER_PORT", env={"ORDER_PORT": "http"})
        self.ends("KAFKA_SECURITY_PROTOCOL is unknown", "KAFKA_SECURITY_PROTOCOL",
                  env={"KAFKA_SECURITY_PROTOCOL": "TELEPATHY"})
        self.ends("the password file is missing", "KAFKA_SASL_PASSWORD_FILE", env={
            "KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT", "KAFKA_SASL_MECHANISM": "PLAIN",
            "KAFKA_SASL_USERNAME": "order", "KAFKA_SASL_PASSWORD_FILE": "/run/secrets/none"})

    def credentials(self):
        self.ends("the password is another user's", "KAFKA_SASL_", env={"KAFKA_SASL_USERNAME": "customer"})
        self.ends("the mechanism is not the broker's", "KAFKA_SASL_", env={"KAFKA_SASL_MECHANISM": "PLAIN"})
        self.ends("the authority's certificate is missing", "KAFKA_SSL_CA_LOCATION",
                  env={"KAFKA_SSL_CA_LOCATION": "/run/secrets/kafka/none.crt"})
        self.ends("the broker's certificate is of an authority unknown here", "KAFKA_SSL_",
                  env={"KAFKA_SSL_CA_LOCATION": "/etc/ssl/certs/ca-certificates.crt"})
        self.ends("the user has no right to what it needs", "uthoriz", user="gateway")
        self.waits("the broker wants TLS, the client does not", ["kafka"], {"KAFKA_SECURITY_PROTOCOL": "PLAINTEXT"})

    def topics(self):
        self.ends("the topics have another partition count", "partition", "topics", {"SHARDS": "7"})

    def volumes(self):
        self.ends("the volume is read-only", "/var/lib/bookstore", options=("-v", "/usr/share:/var/lib/bookstore:ro"))
        with tempfile.TemporaryDirectory() as small:
            web.run("mount", "-t", "tmpfs", "-o", "size=64k,uid=65532,gid=65532", "tmpfs", small)
            try:
                self.ends("the volume is full", "make room", options=("-v", f"{small}:/var/lib/bookstore"))
                web.run("mount", "-o", "remount,size=16m", small)
                self.fills(small)
            finally:
                self.remove()
                web.run("umount", small)

    def fills(self, small):
        """A further pod of order serves its share of the shards, then its volume runs full; nobody loses an order."""
        shop, started = Shop(self.target), time.monotonic()
        self.start("order", {}, ("-v", f"{small}:/var/lib/bookstore"))
        wait("the further pod to be ready",
             lambda: web.run("podman", "exec", self.name, "bookstore", "health", "ready", check=False).returncode == 0, 60)
        web.run("sh", "-c", f"cat /dev/zero > {small}/filler", check=False)
        buyer = Buyer(shop)
        try:
            self.ended("the volume runs full in the middle of work", "make room", started, 120)
            wait("an order afterwards", lambda: buyer.last == "Ordered", 60)
        finally:
            answers = buyer.stop()
        say(f"    meanwhile orders: {', '.join(f'{count} × {kind}' for kind, count in sorted(tally(answers).items()))}")
        lost = [answer for answer, _ in answers if answer.status != 201]
        if lost:
            raise Failed(f"{len(lost)} orders were not taken: {lost[0].status} {lost[0].text[:200]}")

    def unreachable(self):
        self.waits("Kafka is unreachable", ["kafka", "refused", "resolve"], {"KAFKA_BOOTSTRAP": "127.0.0.1:9"})


DRILLS = {
    "collections": collections, "console": console, "autoscale": autoscale, "rolling": rolling, "zombie": zombie,
    "pipeline": pipeline, "breaker": breaker, "cors": cors, "customer-removed": customer_removed, "delivery-removed": delivery_removed,
    "broker-removed": broker_removed, "broker-of-three": broker_of_three, "volume": volume, "config": config, "bad-input": bad_input,
}
