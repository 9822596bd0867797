"""Stands in for a Service of the cluster: a port of this machine whose connections go to the pods behind it in turn.

With readiness a pod is behind it while its readiness probe passes, asked as often and as patiently as its manifest says;
without, as soon as its container runs. A pod that is being deleted is taken out at once, as the cluster does it.
"""

import itertools
import pathlib
import select
import socket
import socketserver
import threading
import time

import web


def runs(pod):
    """Whether the process of a pod has been started: `podman ps` takes longer to say so than the process to open its port."""
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            if (process / "cmdline").read_bytes().startswith(b"/usr/bin/bookstore\0"):
                if f"INSTANCE={pod}".encode() in (process / "environ").read_bytes().split(b"\0"):
                    return True
        except OSError:
            continue
    return False


class Service:
    def __init__(self, target, name, pods, with_readiness):
        self.kubelets = {pod: target.kubelet(name, pod=pod) for pod in pods}
        self.leaving = target.leaving
        self.with_readiness = with_readiness
        self.endpoints, self.turns, self.stopped = [], itertools.count(), threading.Event()
        service = self

        class Connection(socketserver.BaseRequestHandler):
            def handle(self):
                service.forward(self.request)

        self.server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Connection)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        for work in (self.server.serve_forever, self.watch):
            threading.Thread(target=work, daemon=True).start()

    def __enter__(self):
        web.wait("every pod behind the Service", lambda: len(self.endpoints) == len(self.kubelets), 60)
        return self

    def __exit__(self, *_):
        self.stopped.set()
        self.server.shutdown()
        self.server.server_close()

    def watch(self):
        ready = {pod: False for pod in self.kubelets}
        failures = {pod: 0 for pod in self.kubelets}
        due = {pod: 0.0 for pod in self.kubelets}
        while not self.stopped.is_set():
            for pod, kubelet in self.kubelets.items():
                if pod in self.leaving or not runs(pod):
                    ready[pod], failures[pod], due[pod] = False, 0, 0.0
                elif not self.with_readiness:
                    ready[pod] = True
                elif time.monotonic() >= due[pod]:
                    probe = kubelet.spec["readinessProbe"]
                    failures[pod] = failures[pod] + 1 if kubelet.probe("readinessProbe") else 0
                    ready[pod] = failures[pod] == 0 or (ready[pod] and failures[pod] < probe["failureThreshold"])
                    due[pod] = time.monotonic() + probe["periodSeconds"]
            self.endpoints = [pod for pod in self.kubelets if ready[pod]]
            self.stopped.wait(0.1)

    def forward(self, client):
        endpoints = [pod for pod in self.endpoints if pod not in self.leaving]
        if not endpoints:
            return
        pod = endpoints[next(self.turns) % len(endpoints)]
        try:
            with socket.create_connection((self.kubelets[pod].address, 8080), timeout=5) as there:
                there.settimeout(None)
                other = {client: there, there: client}
                while True:
                    for side in select.select(list(other), [], [])[0]:
                        data = side.recv(65536)
                        if not data:
                            return
                        other[side].sendall(data)
        except OSError:
            # A refused or cut connection is what the caller then sees, too.
            return
