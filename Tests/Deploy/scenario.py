"""The life of a system on a target: up, the scenario of the seeds, a pod deleted, down.   scenario.py TARGET [down]"""

import subprocess
import sys
import time

import drills
from drills import say
from targets import TARGETS
from web import Failed, request, wait

WORKERS = ["customer", "bookinventory", "order", "delivery"]


def bring_up(target):
    started = time.monotonic()
    target.up()
    for service in WORKERS:
        wait(f"{service} to be ready", lambda s=service: target.ready(s), 300, every=0.5)
    for name in drills.COLLECTIONS:
        wait(f"/{name}", lambda n=name: request("GET", f"{target.gateway}/{n}").status == 200, 90)
    say(f"up and ready in {time.monotonic() - started:.0f} s")


def walk(target):
    """`bookstore demo` beside the gateway, in the network of the target."""
    done = subprocess.run(
        ["podman", "run", "--rm", "--read-only", *target.network(), "-e", f"KAFKA_BOOTSTRAP={target.bootstrap}",
         "-e", "DEMO_WAIT_MS=30000", "-e", "NO_COLOR=1", *target.credentials("order"),
         "cna-bookstore:latest", "demo", "--url", target.inner_gateway],
        capture_output=True, text=True, timeout=600,
    )
    print(done.stdout.strip()[-4000:])
    if done.returncode != 0:
        raise Failed(f"the scenario: {done.stderr.strip()[-1000:]}")


def lose_a_pod(target):
    shop = drills.Shop(target)
    before = drills.expect(shop.order()[0], 201, "an order").json["orderId"]
    started = time.monotonic()
    target.stop("bookinventory")
    during = drills.expect(shop.order()[0], 201, "an order without bookinventory").json
    say(f"bookinventory is deleted: an order is {during['orderStatus']}")
    target.start("bookinventory")

    def ordered():
        answer = shop.order()[0]
        return answer.json["orderId"] if answer.status == 201 and answer.json["orderStatus"] == "Ordered" else None

    after = wait("an order afterwards", ordered, 90, every=1)
    say(f"it is back: an order is Ordered {time.monotonic() - started:.0f} s after the pod was deleted")
    shop.reaches(before, "Shipped")
    shop.reaches(after, "Shipped")
    wait("the stock", lambda: request("GET", f"{target.gateway}/books/{shop.book}").json["stock"] == 998, 30)
    say("stock fell by exactly the two orders")


def main():
    target = TARGETS[sys.argv[1]]()
    if sys.argv[2:] == ["down"]:
        target.down()
        return 0
    try:
        target.down()
        bring_up(target)
        walk(target)
        lose_a_pod(target)
        for name in ("collections", "console", "cors"):
            print(f"{name}: {drills.DRILLS[name](target)}")
    except Failed as failure:
        print(f"FAILED: {failure}")
        for service in ["kafka", "gateway", *WORKERS]:
            try:
                print(f"--- {service}", *target.logs(service).splitlines()[-8:], sep="\n")
            except Failed as missing:
                print(missing)
        return 1
    print(f"PASSED: {target.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
