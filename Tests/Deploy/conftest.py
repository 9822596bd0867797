"""What the deployment tests share: the repository, and the manifests as kustomize renders them."""

import pathlib
import re
import shutil
import subprocess
import sys

import pytest
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
OVERLAYS = sorted(path.name for path in (ROOT / "k8s" / "overlays").iterdir())
VERSION = re.search(r'version: "([0-9.]+)"', (ROOT / "Sources" / "bookstore" / "Main.swift").read_text())[1]
WORKERS = ["bookinventory", "customer", "delivery", "order"]


class Manifests:
    """One rendered overlay, with the questions the tests ask."""

    def __init__(self, overlay):
        self.overlay = overlay
        kubectl = shutil.which("kubectl") or str(pathlib.Path(sys.executable).parent / "kubectl")
        self.text = subprocess.run(
            [kubectl, "kustomize", str(ROOT / "k8s" / "overlays" / overlay)],
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        self.objects = list(yaml.safe_load_all(self.text))

    def kind(self, *kinds):
        return [item for item in self.objects if item["kind"] in kinds]

    def named(self, kind, name, namespace="cnabookstore"):
        found = [
            item
            for item in self.kind(kind)
            if item["metadata"]["name"] == name and item["metadata"].get("namespace") == namespace
        ]
        assert len(found) == 1, f"{kind}/{name} in {namespace}: {len(found)} found"
        return found[0]

    def names(self, kind, namespace):
        return {item["metadata"]["name"] for item in self.kind(kind) if item["metadata"].get("namespace") == namespace}

    def workloads(self):
        return self.kind("StatefulSet", "Deployment", "Job")

    def containers(self):
        """Pairs of workload and container."""
        for workload in self.workloads():
            pod = workload["spec"]["template"]["spec"]
            for container in pod["containers"] + pod.get("initContainers", []):
                yield workload, container

    def settings(self, prefix):
        """The data of the generated ConfigMap whose name starts with prefix and a hash."""
        found = [item for item in self.kind("ConfigMap") if item["metadata"]["name"].rsplit("-", 1)[0] == prefix]
        assert len(found) == 1
        return found[0]["data"]


@pytest.fixture(scope="session", params=OVERLAYS)
def manifests(request):
    return Manifests(request.param)


@pytest.fixture(scope="session")
def local():
    return Manifests("local")
