"""HTTP as the drills use it: one request, a wait for a condition, and load from siege."""

import json
import os
import re
import subprocess
import tempfile
import time
import urllib.error
import urllib.request


class Failed(Exception):
    """A check that did not hold; the text says what was seen."""


def run(*words, check=True, timeout=300, **more):
    done = subprocess.run(words, capture_output=True, text=True, timeout=timeout, **more)
    if check and done.returncode != 0:
        raise Failed(f"{' '.join(words[:6])}…: {(done.stderr or done.stdout).strip()[-800:]}")
    return done


class Answer:
    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.text = body.decode(errors="replace")

    @property
    def json(self):
        return json.loads(self.text)


def request(method, url, body=None, headers=None, timeout=15):
    """Every answer is an answer; a connection that fails has status 0 and the reason as its text."""
    data = None if body is None else json.dumps(body).encode()
    headers = {"Accept": "application/json", **({"Content-Type": "application/json"} if data else {}), **(headers or {})}
    try:
        with urllib.request.urlopen(
            urllib.request.Request(url, data=data, method=method, headers=headers), timeout=timeout
        ) as answer:
            return Answer(answer.status, answer.headers, answer.read())
    except urllib.error.HTTPError as error:
        return Answer(error.code, error.headers, error.read())
    except (OSError, urllib.error.URLError) as error:
        return Answer(0, {}, str(getattr(error, "reason", error)).encode())


def wait(what, condition, seconds=60, every=0.2):
    """Polls until the condition gives something true, and gives that."""
    deadline = time.monotonic() + seconds
    while True:
        seen = condition()
        if seen:
            return seen
        if time.monotonic() > deadline:
            raise Failed(f"{what}: not within {seconds} s")
        time.sleep(every)


class Siege:
    """siege in the background, as the seeds call it; `verdict()` waits for its end."""

    def __init__(self, url, clients, seconds, patience=30):
        self.seconds = seconds
        self.line = f"siege -c{clients} -t{seconds}S {url}"
        self.directory = tempfile.TemporaryDirectory()
        with open(os.path.join(self.directory.name, "siege.conf"), "w", encoding="utf-8") as file:
            # No pause between requests would be a load test; half a second at most is what the seeds' numbers show.
            file.write("verbose = false\ncolor = off\njson_output = true\nshow-logfile = false\nlogging = false\n"
                       f"connection = close\ntimeout = {patience}\nfailures = 1000000\ndelay = 0.1\nparser = false\nnologs = true\n")
        self.process = subprocess.Popen(
            ["siege", "-R", os.path.join(self.directory.name, "siege.conf"), f"-c{clients}", f"-t{seconds}S", url],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            env={**os.environ, "HOME": self.directory.name},
        )

    def verdict(self):
        output, _ = self.process.communicate(timeout=self.seconds + 60)
        self.directory.cleanup()
        numbers = {key: float(value) for key, value in re.findall(r'"(\w+)":\s+([\d.]+)', output)}
        if "availability" not in numbers:
            raise Failed(f"siege said nothing: {output[-500:]}")
        return numbers

    def stop(self):
        self.process.terminate()
        self.process.communicate()
        self.directory.cleanup()
