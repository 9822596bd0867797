"""What `podman kube play` 4.3 can run of the rendered manifests, and the little it lacks.

It knows Pods, ConfigMaps and claims. A StatefulSet or Deployment becomes the pods that its controller would make, a Job
a pod that ends. Everything inside the pod template stays as rendered, except what podman does not do:
$(VARIABLE) in values, files of a ConfigMap at a subPath, folders of an emptyDir at a subPath, Secrets as folders (a folder of
this machine stands in), probes (kubelet.py runs them), and names of Services (hostAliases stand in for the cluster's DNS).
"""

import copy
import pathlib
import re

SUBNET = "10.77.0"


class Plan:
    def __init__(self, objects, directory, secrets):
        """`secrets` gives the folder of this machine that holds what a Secret of that name would."""
        self.objects = objects
        self.secrets = secrets
        self.directory = pathlib.Path(directory)
        self.workloads = {
            item["metadata"]["name"]: item for item in objects if item["kind"] in ("StatefulSet", "Deployment", "Job")
        }
        self.addresses = {}

    def instances(self, workload):
        """Names of the pods that the controller of this workload makes, as many as its scaler wants at least."""
        name, kind = workload["metadata"]["name"], workload["kind"]
        if kind == "Job":
            return [name]
        least = [s["spec"]["minReplicas"] for s in self.objects
                 if s["kind"] == "HorizontalPodAutoscaler" and s["metadata"]["name"] == name]
        return [f"{name}-{ordinal}" for ordinal in range(workload["spec"].get("replicas", least[0] if least else 1))]

    def made(self, volume):
        """Whether a volume of this name is one of ours: a claim, whatever number its pod has, or a ConfigMap's folder."""
        configs = [item["metadata"]["name"] for item in self.objects if item["kind"] == "ConfigMap"]
        return volume in configs or any(
            re.fullmatch(rf"{claim['metadata']['name']}-{name}-\d+", volume)
            for name, workload in self.workloads.items() for claim in workload["spec"].get("volumeClaimTemplates", [])
        )

    def address(self, pod):
        """A fixed address a pod, so that names can be given before it runs."""
        if pod not in self.addresses:
            self.addresses[pod] = f"{SUBNET}.{10 + len(self.addresses)}"
        return self.addresses[pod]

    def hardware_address(self, pod):
        """Fixed as well: podman tells nobody of a new one, and who knew the pod's predecessor goes on sending to that, up to a
        minute. A cluster's network knows at once where an address lives."""
        return f"0a:4d:00:00:00:{int(self.address(pod).rsplit('.', 1)[1]):02x}"

    def names(self):
        """What the cluster's DNS would know: every Service, and every pod of a headless one, where its first pod runs."""
        entries = {}
        for service in self.objects:
            if service["kind"] != "Service":
                continue
            name, namespace = service["metadata"]["name"], service["metadata"]["namespace"]
            for workload in self.workloads.values():
                labels = workload["spec"]["template"]["metadata"]["labels"]
                if not all(labels.get(k) == v for k, v in service["spec"]["selector"].items()):
                    continue
                for ordinal, pod in enumerate(self.instances(workload)):
                    names = [f"{name}.{namespace}.svc.cluster.local"]
                    # The short name means another thing in each namespace; here no two Services share one.
                    names = [name, *names] if ordinal == 0 else []
                    if service["spec"].get("clusterIP") == "None":
                        names.append(f"{pod}.{name}.{namespace}.svc.cluster.local")
                    entries.setdefault(self.address(pod), []).extend(names)
        return entries

    def config(self, name):
        [found] = [i for i in self.objects if i["kind"] == "ConfigMap" and i["metadata"]["name"] == name]
        return found

    def documents(self, workload, pod, with_claims=True):
        """The YAML documents of one pod for `kube play`."""
        template = copy.deepcopy(workload["spec"]["template"])
        spec = template["spec"]
        labels = dict(template["metadata"]["labels"])
        ordinal = pod.rsplit("-", 1)[-1]
        if workload["kind"] == "StatefulSet":
            labels["apps.kubernetes.io/pod-index"] = ordinal
        spec["hostname"] = pod
        spec["hostAliases"] = [{"ip": ip, "hostnames": names} for ip, names in self.names().items() if names]
        if workload["kind"] == "Job":
            spec["restartPolicy"] = "OnFailure"
        volumes, claims = spec.setdefault("volumes", []), []
        for claim in workload["spec"].get("volumeClaimTemplates", []):
            name = f"{claim['metadata']['name']}-{pod}"
            volumes.append({"name": claim["metadata"]["name"], "persistentVolumeClaim": {"claimName": name}})
            claims.append({
                "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name}, "spec": claim["spec"],
            })
        configs = set()
        for container in spec["containers"]:
            self.simplify(container, volumes, pod)
            configs |= {source["configMapRef"]["name"] for source in container.get("envFrom", [])}
        configs |= {volume["configMap"]["name"] for volume in volumes if "configMap" in volume}
        document = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": pod, "labels": labels}, "spec": spec}
        return [self.config(name) for name in sorted(configs)] + (claims if with_claims else []) + [document]

    def simplify(self, container, volumes, pod):
        # podman would publish every port of a container on this machine.
        for key in ("startupProbe", "readinessProbe", "livenessProbe", "lifecycle", "ports"):
            container.pop(key, None)
        for entry in container.get("env", []):
            if "value" in entry:
                entry["value"] = re.sub(r"\$\(POD_NAME\)", pod, entry["value"])
        mounts = []
        for mount in container.get("volumeMounts", []):
            [volume] = [v for v in volumes if v["name"] == mount["name"]]
            if "secret" in volume:
                folder = self.secrets(volume.pop("secret")["secretName"])
                volume["hostPath"] = {"path": str(folder), "type": "Directory"}
            if "subPath" not in mount:
                mounts.append(mount)
                continue
            # podman makes one volume of every emptyDir of a name, whichever pod it is in.
            part = f"{mount['name']}-{mount['subPath']}-{pod}"
            if "configMap" in volume:
                path = self.directory / part
                path.write_text(self.config(volume["configMap"]["name"])["data"][mount["subPath"]])
                path.chmod(0o755)
                volumes.append({"name": part, "hostPath": {"path": str(path), "type": "File"}})
            else:
                volumes.append({"name": part, "emptyDir": {}})
            mounts.append({"name": part, "mountPath": mount["mountPath"]})
        container["volumeMounts"] = mounts
        used = {mount["name"] for mount in mounts}
        volumes[:] = [volume for volume in volumes if volume["name"] in used]
