"""Stands in for the kubelet: runs the probes that the manifest of a pod names, and restarts what does not live."""

import subprocess
import time

import web


class Kubelet:
    def __init__(self, container_spec, container, address, say=print):
        self.spec = container_spec
        self.container = container
        self.address = address
        self.say = say
        self.restarts = 0

    def probe(self, name):
        """One run of a probe: None when it passes, else why not."""
        probe = self.spec[name]
        limit = probe.get("timeoutSeconds", 1)
        if "exec" in probe:
            try:
                done = subprocess.run(
                    ["podman", "exec", self.container, *probe["exec"]["command"]],
                    capture_output=True, text=True, timeout=limit + 5,
                )
            except subprocess.TimeoutExpired:
                return "timed out"
            return None if done.returncode == 0 else (done.stderr.strip() or f"exit status {done.returncode}")
        if "httpGet" in probe:
            ports = {port["name"]: port["containerPort"] for port in self.spec["ports"]}
            url = f"http://{self.address}:{ports[probe['httpGet']['port']]}{probe['httpGet']['path']}"
            answer = web.request("GET", url, timeout=limit)
            return None if 200 <= answer.status < 400 else f"{probe['httpGet']['path']} answers {answer.status}"
        ports = {port["name"]: port["containerPort"] for port in self.spec["ports"]}
        done = subprocess.run(
            ["timeout", str(limit), "bash", "-c", f"exec 3<>/dev/tcp/{self.address}/{ports[probe['tcpSocket']['port']]}"],
            capture_output=True, text=True,
        )
        return None if done.returncode == 0 else "port is closed"

    def wait_ready(self, seconds):
        started = time.monotonic()
        problem = ["not asked yet"]

        def ready():
            problem[0] = self.probe("startupProbe") or self.probe("readinessProbe")
            return problem[0] is None

        try:
            web.wait(self.container, ready, seconds, every=0.5)
        except web.Failed as failure:
            raise web.Failed(f"{self.container} is not ready after {seconds} s: {problem[0]}") from failure
        return time.monotonic() - started

    def guard(self, until, seconds):
        """Watches liveness as the kubelet does, with the manifest's period and threshold, until the condition holds."""
        probe, failures = self.spec["livenessProbe"], 0
        deadline = time.monotonic() + seconds
        while not until():
            if time.monotonic() > deadline:
                raise web.Failed(f"{self.container}: not within {seconds} s")
            problem = self.probe("livenessProbe")
            failures = failures + 1 if problem else 0
            if problem:
                self.say(f"liveness probe failed ({failures}/{probe['failureThreshold']}): {problem}")
            if failures >= probe["failureThreshold"]:
                self.say("restarting the container, as the kubelet would")
                # SIGTERM to the process; the restart policy of the pod does the rest. (`podman restart` would stop the
                # pod's own container in between.)
                pid = web.run("podman", "inspect", "--format", "{{.State.Pid}}", self.container).stdout.strip()
                web.run("kill", "-TERM", pid)
                self.restarts += 1
                failures = 0
            time.sleep(probe.get("periodSeconds", 10))
