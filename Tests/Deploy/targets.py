"""The places a drill can run at, each with the same few verbs: stop and start a service, take its volume, …"""

import json
import os
import pathlib
import shutil
import signal
import socket
import tempfile
import time

import pods
import web
import yaml
from kubelet import Kubelet
from web import run

ROOT = pathlib.Path(__file__).resolve().parents[2]
CONSOLE = ["--topic", "cnabookstore", "--from-beginning", "--timeout-ms", "8000"]


class Target:
    name = ""
    gateway = "http://127.0.0.1:8080"
    order = "http://127.0.0.1:8081"
    # Check points that make no sense here, and why.
    lacks = {}

    def missing(self, verb):
        raise web.Failed(f"target {self.name} has no {verb}")

    def __getattr__(self, verb):
        return lambda *_: self.missing(verb)


class Local(Target):
    """What `bookstore up` runs on this machine."""

    name = "local"
    lacks = {
        "autoscale": "see `bookstore drill scale`",
        "broker-of-three": "one machine has one broker",
        "config": "a setting is read when `bookstore up` starts",
        "bad-input": "tried in containers",
    }

    def __init__(self):
        self.directory = pathlib.Path(os.environ.get("RUN_DIR", ROOT / ".run"))
        self.gateway = f"http://127.0.0.1:{os.environ.get('GATEWAY_PORT', '8080')}"
        self.order = f"http://127.0.0.1:{os.environ.get('ORDER_PORT', '8081')}"

    def pid(self, service):
        name = "broker" if service == "kafka" else service
        return int((self.directory / "pids" / f"{name}-0").read_text().split()[0])

    def signal(self, service, number):
        os.kill(self.pid(service), number)

    def kill(self, service):
        self.signal(service, signal.SIGKILL)

    def restart(self, service):
        before = self.pid(service)
        self.kill(service)
        web.wait(f"{service} to be started again", lambda: self.pid(service) != before, 30)

    def pause(self, service):
        self.signal(service, signal.SIGSTOP)

    def unpause(self, service):
        self.signal(service, signal.SIGCONT)

    # The supervisor starts again whatever ends. A suspended process is as good as none for those who ask it.
    stop, start = pause, unpause

    def address(self):
        """Of the broker that `bookstore up` runs, embedded or Apache Kafka."""
        [found] = (self.directory / "data").glob("*/bootstrap")
        return found.read_text().strip()

    def kafka_listens(self):
        host, port = self.address().rsplit(":", 1)
        with socket.socket() as probe:
            probe.settimeout(1)
            return probe.connect_ex((host, int(port))) == 0

    def ready(self, service):
        beat = self.directory / "data" / f"{service}-0" / "health"
        told = json.loads(beat.read_text()) if beat.exists() else {"ready": False}
        return told["ready"] and told["pid"] == self.pid(service)

    def wipe(self, service):
        self.pause(service)
        shutil.rmtree(self.directory / "data" / f"{service}-0")

    revive = kill

    def console(self):
        return run("kcat", "-C", "-b", self.address(), "-t", "cnabookstore", "-o", "beginning", "-e", "-q",
                   "-X", "isolation.level=read_committed").stdout


class Containers(Target):
    """Containers under podman, each service in one."""

    def container(self, service):
        raise NotImplementedError

    def stop(self, service):
        run("podman", "stop", "-t", "20", self.container(service))

    def start(self, service):
        run("podman", "start", self.container(service))

    def kill(self, service):
        # The process, not the container: a container that podman kills is meant to stay away.
        run("kill", "-9", run("podman", "inspect", "--format", "{{.State.Pid}}", self.container(service)).stdout.strip())

    def restart(self, service):
        run("podman", "restart", "-t", "20", self.container(service))

    def pause(self, service):
        run("podman", "pause", self.container(service))

    def unpause(self, service):
        run("podman", "unpause", self.container(service))

    def kafka_listens(self, broker="kafka"):
        open_port = "exec 3<>/dev/tcp/$(hostname)/9092"
        return run("podman", "exec", self.container(broker), "bash", "-c", open_port, check=False).returncode == 0

    def credentials(self, user):
        """What another client in the network needs besides the address."""
        return []

    def logs(self, service):
        done = run("podman", "logs", self.container(service))
        return done.stdout + done.stderr

    def ready(self, service):
        return run("podman", "exec", self.container(service), "bookstore", "health", "ready", check=False).returncode == 0


def as_user(user):
    """podman's options for a client that logs in; its secret is mounted by the caller."""
    settings = {"KAFKA_SECURITY_PROTOCOL": "SASL_SSL", "KAFKA_SASL_MECHANISM": "SCRAM-SHA-512",
                "KAFKA_SASL_USERNAME": user, "KAFKA_SASL_PASSWORD_FILE": "/run/secrets/kafka/password",
                "KAFKA_SSL_CA_LOCATION": "/run/secrets/kafka/ca.crt"}
    return [word for key, value in settings.items() for word in ("-e", f"{key}={value}")]


class Compose(Containers):
    """compose/compose.yaml, brought up with podman-compose under the project name below."""

    name = "compose"
    lacks = {
        "autoscale": "compose runs one container a service",
        "zombie": "compose restarts no container for being unhealthy",
    }

    def __init__(self):
        self.project = os.environ.get("COMPOSE_PROJECT_NAME", "bookstore")
        self.files = ["compose.yaml", *os.environ.get("COMPOSE_OVERLAYS", "").split()]

    def container(self, service):
        found = run("podman", "ps", "-a", "--format", "{{.Names}}", "--filter",
                    f"label=com.docker.compose.project={self.project}", "--filter",
                    f"label=com.docker.compose.service={service}").stdout.split()
        if not found:
            raise web.Failed(f"no container of service {service} in project {self.project}")
        return found[0]

    def compose(self, *words, **more):
        files = [word for file in self.files for word in ("-f", file)]
        return run("podman-compose", "-p", self.project, *files, *words, cwd=ROOT / "compose", timeout=900, **more)

    def up(self):
        # podman-compose 1.0 starts everything at once: who comes too early waits or is started again.
        self.compose("up", "-d", "--no-build")

    def down(self):
        # With the unnamed volumes that Kafka's image declares, which podman-compose would leave behind.
        containers = run("podman", "ps", "-aq", "--filter", f"label=com.docker.compose.project={self.project}").stdout
        if containers:
            run("podman", "rm", "-f", "-v", "-t", "5", *containers.split(), check=False)
        self.compose("down", check=False)
        for volume in run("podman", "volume", "ls", "-q").stdout.split():
            if volume.startswith(f"{self.project}_"):
                run("podman", "volume", "rm", volume, check=False)
        run("podman", "network", "rm", "-f", f"{self.project}_default", check=False)

    def network(self):
        return ["--network", f"{self.project}_default"]

    bootstrap = "kafka:9092"
    inner_gateway = "http://gateway:8080"

    def brokers(self):
        services = run("podman", "ps", "-a", "--format", '{{index .Labels "com.docker.compose.service"}}', "--filter",
                       f"label=com.docker.compose.project={self.project}").stdout.split()
        return sorted(name for name in services if name.startswith("kafka"))

    def is_encrypted(self):
        return "tls-sasl.yaml" in self.files

    def credentials(self, user):
        if not self.is_encrypted():
            return []
        return [*as_user(user), "-v", f"{self.project}_secrets-{user}:/run/secrets/kafka:ro"]

    def console(self):
        if self.is_encrypted():
            return run("podman", "run", "--rm", *self.network(), "-v",
                       f"{self.project}_secrets-admin:/run/secrets/admin:ro", "-e", "KAFKA_HEAP_OPTS=-Xmx128m",
                       "docker.io/apache/kafka:4.3.1", "/opt/kafka/bin/kafka-console-consumer.sh", "--bootstrap-server",
                       "kafka:9094", "--command-config", "/run/secrets/admin/admin.properties", *CONSOLE).stdout
        return run("podman", "exec", "-e", "KAFKA_HEAP_OPTS=-Xmx128m", self.container("kafka"),
                   "/opt/kafka/bin/kafka-console-consumer.sh", "--bootstrap-server", "kafka:9092", *CONSOLE).stdout

    def wipe(self, service):
        """Takes the volume of a worker away while it is stopped."""
        name = self.container(service)
        run("podman", "stop", "-t", "20", name)
        run("podman", "rm", name)
        run("podman", "volume", "rm", f"{self.project}_{service}-0")

    def revive(self, service):
        self.compose("up", "-d", "--no-build", service)

    def configure(self, key, value):
        """Changes a setting and rolls the services that read it."""
        services = ["customer", "bookinventory", "order", "delivery", "gateway"]
        for service in services:
            name = self.container(service)
            run("podman", "stop", "-t", "20", name)
            run("podman", "rm", name)
            self.compose("up", "-d", "--no-build", service, env={**os.environ, key: value})
            if service != "gateway":
                web.wait(f"{service} ready", lambda s=service: self.ready(s), 60)


class Pods(Containers):
    """k8s/overlays/local (or CNA_OVERLAY=production), played pod by pod with `podman kube play`."""

    name = "podman"
    lacks = {"broker-of-three": "tried with compose"}
    network_name = "cnabookstore-pods"
    inner_gateway = "http://gateway:8080"

    def __init__(self):
        self.directory = pathlib.Path(os.environ.get("CNA_PODS_DIR", "/tmp/cnabookstore-pods"))
        self.directory.mkdir(exist_ok=True)
        self.settings = self.directory / "settings.json"
        self.overlay = os.environ.get("CNA_OVERLAY", "local")
        # Pods that are being deleted: no Service sends anybody there any more.
        self.leaving = set()
        self.load()

    def load(self):
        changed = json.loads(self.settings.read_text()) if self.settings.exists() else {}
        kubectl = shutil.which("kubectl") or str(pathlib.Path(os.sys.executable).parent / "kubectl")
        overlay = ROOT / "k8s" / "overlays" / self.overlay
        with tempfile.TemporaryDirectory(dir=self.directory) as scratch:
            if changed:
                # An operator edits bookstore.env; a kustomization on top says the same thing.
                generator = {"name": "bookstore", "namespace": "cnabookstore", "behavior": "merge",
                             "literals": [f"{key}={value}" for key, value in changed.items()]}
                base = os.path.relpath(overlay, scratch)
                pathlib.Path(scratch, "kustomization.yaml").write_text(
                    yaml.safe_dump({"resources": [base], "configMapGenerator": [generator]}))
                overlay = scratch
            objects = list(yaml.safe_load_all(run(kubectl, "kustomize", str(overlay)).stdout))
        self.plan = pods.Plan(objects, self.directory, self.secret)
        for workload in self.plan.workloads.values():
            for pod in self.plan.instances(workload):
                self.plan.address(pod)
        [own] = [o for o in objects if o["kind"] == "ConfigMap" and o["metadata"]["name"].rsplit("-", 1)[0] == "bookstore"]
        self.bootstrap = own["data"]["KAFKA_BOOTSTRAP"]
        self.gateway = f"http://{self.plan.address('gateway-0')}:8080"
        self.order = f"http://{self.plan.address('order-0')}:8080"

    def workload(self, service):
        return self.plan.workloads["my-kafka" if service == "kafka" else service]

    def secret(self, name):
        """The folder that make-secrets.sh filled for this Secret: kafka-tls is the brokers', kafka-NAME another's."""
        return self.directory / "secrets" / ("kafka" if name == "kafka-tls" else name.removeprefix("kafka-"))

    def is_encrypted(self):
        return "kafka-users" in self.plan.workloads

    def make_secrets(self):
        """As docs/deploy.md says it for the production overlay."""
        (self.directory / "secrets").mkdir(exist_ok=True)
        brokers = [name for names in self.plan.names().values() for name in names if name.startswith("my-kafka")]
        run("podman", "run", "--rm", "--user", "0:0", "-e", f"BROKER_NAMES={' '.join(sorted(set(brokers)))}",
            "-v", f"{ROOT / 'k8s' / 'components' / 'tls-sasl'}:/s:ro", "-v", f"{self.directory / 'secrets'}:/secrets",
            "docker.io/apache/kafka:4.3.1", "bash", "/s/make-secrets.sh", "/secrets")

    def credentials(self, user):
        if not self.is_encrypted():
            return []
        return [*as_user(user), "-v", f"{self.secret(f'kafka-{user}')}:/run/secrets/kafka:ro"]

    def pods(self, service):
        return self.plan.instances(self.workload(service))

    def pod(self, service):
        return self.pods(service)[0]

    def container(self, service):
        return f"{self.pod(service)}-{self.spec(service)['name']}"

    def spec(self, service):
        [container] = self.workload(service)["spec"]["template"]["spec"]["containers"]
        return container

    def kubelet(self, service, say=print, pod=None):
        spec, pod = self.spec(service), pod or self.pod(service)
        return Kubelet(spec, f"{pod}-{spec['name']}", self.plan.address(pod), say)

    def play(self, service, pod=None):
        pod = pod or self.pod(service)
        volumes = run("podman", "volume", "ls", "-q").stdout.split()
        documents = [
            document for document in self.plan.documents(self.workload(service), pod)
            if not (document["kind"] == "PersistentVolumeClaim" and document["metadata"]["name"] in volumes)
        ]
        file = self.directory / f"{pod}.yaml"
        file.write_text(yaml.safe_dump_all(documents))
        run("podman", "kube", "play", "--network", self.network_name, "--ip", self.plan.address(pod), "--mac-address",
            self.plan.hardware_address(pod), str(file))

    def up(self):
        self.directory.mkdir(exist_ok=True)
        run("podman", "network", "create", "--subnet", f"{pods.SUBNET}.0/24", self.network_name)
        if self.is_encrypted():
            self.make_secrets()
            run("podman", "tag", "cna-bookstore:latest", self.spec("gateway")["image"])
        self.start("kafka")
        for pod in self.pods("kafka"):
            self.kubelet("kafka", pod=pod).wait_ready(600)
        # A cluster starts all at once, and who comes too early starts again; here that would only cost time.
        for job in ["kafka-users"] * self.is_encrypted() + ["topics"]:
            self.finish(job)
        for service in ("customer", "bookinventory", "order", "delivery", "gateway"):
            self.start(service)

    def finish(self, job):
        """Runs a Job to its end, as often as its restart policy starts it again, and takes its pod away."""
        self.play(job)
        ask = ["podman", "inspect", "--format", "{{.State.Status}} {{.State.ExitCode}}", self.container(job)]
        web.wait(f"job {job} to end", lambda: run(*ask).stdout.split() == ["exited", "0"], 600, every=0.5)
        self.delete(job)

    def delete(self, pod):
        """`kubectl delete pod`: out of every Service, what preStop waits, SIGTERM, the grace period, gone. The claim stays."""
        workload = self.plan.workloads.get(pod) or self.plan.workloads[pod.rsplit("-", 1)[0]]
        [container] = workload["spec"]["template"]["spec"]["containers"]
        self.leaving.add(pod)
        time.sleep(container.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0))
        # Before the pod, whose network would go at the same moment.
        run("podman", "stop", "-t", "30", f"{pod}-{container['name']}", check=False)
        run("podman", "pod", "rm", "-f", pod, check=False)
        self.leaving.discard(pod)

    def stop(self, service):
        for pod in self.pods(service):
            self.delete(pod)

    def start(self, service):
        for pod in self.pods(service):
            self.play(service, pod)

    def restart(self, service, pods=None, ready=None):
        """One pod after the other, the last one first, as a roll-out does it. `ready` tells whether a pod is."""
        pods = pods or self.pods(service)
        for pod in reversed(pods):
            self.delete(pod)
            self.play(service, pod)
            if ready:
                web.wait(f"{pod} to be ready", lambda p=pod: ready(p), 60)
            elif len(pods) > 1:
                self.kubelet(service, pod=pod).wait_ready(60)
            time.sleep(self.workload(service)["spec"].get("minReadySeconds", 0) if len(pods) > 1 else 0)

    def down(self):
        for pod in run("podman", "pod", "ls", "--format", "{{.Name}}").stdout.split():
            if pod.rsplit("-", 1)[0] in self.plan.workloads or pod in self.plan.workloads:
                run("podman", "pod", "rm", "-f", "-t", "3", pod, check=False)
        for volume in run("podman", "volume", "ls", "-q").stdout.split():
            if self.plan.made(volume):
                run("podman", "volume", "rm", "-f", volume, check=False)
        if self.is_encrypted():
            run("podman", "untag", "cna-bookstore:latest", self.spec("gateway")["image"], check=False)
        run("podman", "network", "rm", "-f", self.network_name, check=False)
        shutil.rmtree(self.directory, ignore_errors=True)

    def network(self):
        hosts = [f"--add-host={name}:{ip}" for ip, names in self.plan.names().items() for name in names]
        return ["--network", self.network_name, *hosts]

    def console(self):
        address = ["my-kafka:9092"]
        if self.is_encrypted():
            address = [f"{self.bootstrap.split(':')[0]}:9094", "--command-config", "/run/secrets/admin/admin.properties"]
        return run("podman", "exec", self.container("kafka"), "/usr/bin/kafka-console-consumer",
                   "--bootstrap-server", *address, *CONSOLE).stdout

    def ready(self, service):
        kubelet = self.kubelet(service)
        return kubelet.probe("startupProbe") is None and kubelet.probe("readinessProbe") is None

    def wipe(self, service):
        self.stop(service)
        for pod in self.pods(service):
            run("podman", "volume", "rm", f"state-{pod}")

    def revive(self, service):
        self.start(service)

    def configure(self, key, value):
        self.settings.write_text(json.dumps({key: value}))
        self.load()
        for service in ("customer", "bookinventory", "order", "delivery", "gateway"):
            self.restart(service)
            self.kubelet(service).wait_ready(60)


class Cluster(Target):
    """A Kubernetes cluster that kubectl points at. Reach the gateway as you can: GATEWAY_URL, ORDER_URL."""

    name = "cluster"
    lacks = {
        "broker-of-three": "tried with compose",
        "bad-input": "tried with compose and podman",
    }
    kinds = {"gateway": "deployment/gateway", "kafka": "statefulset/my-kafka"}

    def __init__(self):
        self.gateway = os.environ.get("GATEWAY_URL", "http://127.0.0.1:8080")
        self.order = os.environ.get("ORDER_URL", "http://127.0.0.1:8081")

    def kubectl(self, *words, service="", **more):
        return run("kubectl", "-n", "kafka" if service == "kafka" else "cnabookstore", *words, **more)

    def workload(self, service):
        return self.kinds.get(service, f"statefulset/{service}")

    def kafka_listens(self):
        return self.ready("kafka")

    def scale(self, service, replicas):
        self.kubectl("scale", self.workload(service), f"--replicas={replicas}", service=service)
        self.kubectl("rollout", "status", self.workload(service), "--timeout=300s", service=service)

    def stop(self, service):
        self.scale(service, 0)

    def start(self, service):
        self.scale(service, 1)

    pause, unpause = stop, start

    def kill(self, service):
        pod = "my-kafka-0" if service == "kafka" else f"{service}-0"
        self.kubectl("delete", "pod", pod, "--grace-period=0", "--force", service=service)

    def restart(self, service):
        self.kubectl("rollout", "restart", self.workload(service), service=service)
        self.kubectl("rollout", "status", self.workload(service), "--timeout=300s", service=service)

    def ready(self, service):
        done = self.kubectl("rollout", "status", self.workload(service), "--timeout=1s", service=service, check=False)
        return done.returncode == 0

    def console(self):
        return self.kubectl("exec", "my-kafka-0", "--", "/usr/bin/kafka-console-consumer", "--bootstrap-server",
                            "my-kafka:9092", *CONSOLE, service="kafka").stdout

    def wipe(self, service):
        self.stop(service)
        self.kubectl("delete", "pvc", f"state-{service}-0")

    def revive(self, service):
        self.start(service)

    def configure(self, key, value):
        for service in ("customer", "bookinventory", "order", "delivery", "gateway"):
            self.kubectl("set", "env", self.workload(service), f"{key}={value}")
            self.kubectl("rollout", "status", self.workload(service), "--timeout=300s")


TARGETS = {target.name: target for target in (Local, Compose, Pods, Cluster)}
