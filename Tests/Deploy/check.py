"""One check point, one command, one verdict:  Tests/Deploy/check NAME [--target local|compose|podman|cluster]"""

import argparse
import sys
import time

from drills import DRILLS
from targets import TARGETS
from web import Failed


def main():
    lines = "\n".join(f"  {name:<17} {drill.__doc__.splitlines()[0]}" for name, drill in DRILLS.items())
    parser = argparse.ArgumentParser(
        prog="check", description=__doc__.split(":")[0] + ".", epilog="names:\n" + lines,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("name", choices=[*DRILLS, "all"], metavar="NAME")
    parser.add_argument("--target", choices=TARGETS, default="compose")
    options = parser.parse_args()
    target = TARGETS[options.target]()
    failed = 0
    for name in DRILLS if options.name == "all" else [options.name]:
        print(f"{name} on {target.name}: {DRILLS[name].__doc__.splitlines()[0]}", flush=True)
        if name in target.lacks:
            print(f"LEFT OUT: {target.lacks[name]}", flush=True)
            failed += options.name == name
            continue
        started = time.monotonic()
        try:
            verdict = f"PASSED: {DRILLS[name](target)}"
        except Failed as failure:
            verdict, failed = f"FAILED: {failure}", failed + 1
        print(f"{verdict} ({time.monotonic() - started:.0f} s)", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
