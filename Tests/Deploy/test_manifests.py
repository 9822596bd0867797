"""The rules every rendered overlay keeps. A rule that is broken names the object."""

import re

import pytest
import yaml
from conftest import OVERLAYS, VERSION, WORKERS, Manifests
from kubernetes_validate import validate

VERSIONS = ["1.34", "1.37"]
# Made by whoever deploys, never in the repository.
SECRETS_FROM_OUTSIDE = {"kafka-tls", "kafka-admin"} | {f"kafka-{n}" for n in [*WORKERS, "gateway", "topics"]}
LABELS = ["name", "instance", "component", "part-of", "version", "managed-by"]


def name_of(item):
    metadata = item["metadata"]
    return f"{item['kind']}/{metadata.get('namespace', '')}/{metadata['name']}"


def pod_of(workload):
    return workload["spec"]["template"]["spec"]


def selects(selector, labels):
    return all(labels.get(key) == value for key, value in selector.items())


# Schemas


@pytest.mark.parametrize("version", VERSIONS)
def test_every_object_fits_the_published_schema(manifests, version):
    for item in manifests.objects:
        validate(item, version, strict=True)


@pytest.mark.parametrize("version", VERSIONS)
def test_the_schema_check_finds_a_misspelt_field(local, version):
    broken = yaml.safe_load(yaml.safe_dump(local.named("StatefulSet", "order")))
    broken["spec"]["template"]["spec"]["containers"][0]["redinessProbe"] = {}
    with pytest.raises(Exception, match="redinessProbe"):
        validate(broken, version, strict=True)


# Pods


def test_pods_pass_pod_security_restricted(manifests):
    for namespace in manifests.kind("Namespace"):
        assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted", name_of(namespace)
    for workload in manifests.workloads():
        pod = pod_of(workload)
        context = pod["securityContext"]
        assert context["runAsNonRoot"] is True, name_of(workload)
        assert isinstance(context["runAsUser"], int) and context["runAsUser"] > 0, name_of(workload)
        assert context["seccompProfile"] == {"type": "RuntimeDefault"}, name_of(workload)
        for forbidden in ("hostNetwork", "hostPID", "hostIPC"):
            assert not pod.get(forbidden), name_of(workload)
        for volume in pod.get("volumes", []):
            assert set(volume) - {"name"} <= {"configMap", "emptyDir", "secret"}, name_of(workload)
    for workload, container in manifests.containers():
        context = container["securityContext"]
        assert context["allowPrivilegeEscalation"] is False, name_of(workload)
        assert context["capabilities"] == {"drop": ["ALL"]}, name_of(workload)
        assert context["readOnlyRootFilesystem"] is True, name_of(workload)
        assert not context.get("privileged"), name_of(workload)


def test_nothing_gets_a_service_account_token(manifests):
    for account in manifests.kind("ServiceAccount"):
        assert account["automountServiceAccountToken"] is False, name_of(account)
    for workload in manifests.workloads():
        assert pod_of(workload)["automountServiceAccountToken"] is False, name_of(workload)


def test_the_bookstore_has_one_identity_a_service(manifests):
    mine = [w for w in manifests.workloads() if w["metadata"]["namespace"] == "cnabookstore"]
    assert sorted(pod_of(w)["serviceAccountName"] for w in mine) == sorted([*WORKERS, "gateway", "topics"])
    for workload in mine:
        assert pod_of(workload)["serviceAccountName"] == workload["metadata"]["name"]


def test_every_container_has_requests_and_limits(manifests):
    for workload, container in manifests.containers():
        for kind in ("requests", "limits"):
            assert set(container["resources"][kind]) == {"cpu", "memory"}, name_of(workload)


def test_long_running_containers_have_all_three_probes(manifests):
    for workload, container in manifests.containers():
        for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
            if workload["kind"] == "Job":
                assert probe not in container
                continue
            handlers = set(container[probe]) & {"exec", "httpGet", "tcpSocket", "grpc"}
            assert len(handlers) == 1, f"{name_of(workload)} {probe}: {handlers}"


def test_a_long_restore_is_not_killed(manifests):
    for name in WORKERS:
        [container] = pod_of(manifests.named("StatefulSet", name))["containers"]
        probe = container["startupProbe"]
        assert probe["periodSeconds"] * probe["failureThreshold"] >= 600, name


def test_liveness_does_not_begin_before_its_port_is_open(manifests):
    """An exec probe passes while a worker waits for Kafka; a port that opens only later would count as a death."""
    for workload, container in manifests.containers():
        if "httpGet" in container.get("livenessProbe", {}):
            assert "httpGet" in container["startupProbe"], name_of(workload)


def test_readiness_and_liveness_ask_different_questions(manifests):
    for name in [*WORKERS, "gateway"]:
        kind = "Deployment" if name == "gateway" else "StatefulSet"
        [container] = pod_of(manifests.named(kind, name))["containers"]
        ask = [
            container[p].get("exec", container[p].get("httpGet")) for p in ("readinessProbe", "livenessProbe")
        ]
        assert ask[0] != ask[1], name


def test_order_is_probed_as_in_the_seeds(manifests):
    [container] = pod_of(manifests.named("StatefulSet", "order"))["containers"]
    assert container["readinessProbe"]["httpGet"]["path"].split("?")[0] == "/orders"
    assert container["livenessProbe"]["httpGet"]["path"] == "/isHealthy"


def test_no_shell_is_needed(manifests):
    for workload, container in manifests.containers():
        if not container["image"].rsplit(":", 1)[0].endswith("cna-bookstore"):
            continue
        assert "command" not in container, name_of(workload)
        for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
            command = container.get(probe, {}).get("exec", {}).get("command", ["bookstore"])
            assert command[0] == "bookstore", name_of(workload)


def test_pods_get_the_time_that_a_clean_end_needs(manifests):
    for name in [*WORKERS, "gateway"]:
        kind = "Deployment" if name == "gateway" else "StatefulSet"
        pod = pod_of(manifests.named(kind, name))
        wait = pod["containers"][0].get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
        assert pod["terminationGracePeriodSeconds"] >= wait + 10 + 5, name
        assert (wait > 0) == (name in ("order", "gateway")), f"{name}: what listens drains first"


def test_service_variables_do_not_reach_any_pod(manifests):
    for workload in manifests.workloads():
        assert pod_of(workload)["enableServiceLinks"] is False, name_of(workload)


def test_pods_spread_over_nodes(manifests):
    for workload in manifests.kind("StatefulSet", "Deployment"):
        [spread] = pod_of(workload)["topologySpreadConstraints"]
        assert spread["topologyKey"] == "kubernetes.io/hostname", name_of(workload)
        assert spread["labelSelector"] == workload["spec"]["selector"], name_of(workload)


# Labels and names


def test_labels_are_the_recommended_ones(manifests):
    for item in manifests.workloads() + manifests.kind("HorizontalPodAutoscaler", "PodDisruptionBudget", "Service"):
        for key in LABELS:
            assert item["metadata"]["labels"].get(f"app.kubernetes.io/{key}"), f"{name_of(item)}: {key}"
    for workload in manifests.workloads():
        labels = workload["spec"]["template"]["metadata"]["labels"]
        assert {f"app.kubernetes.io/{key}" for key in LABELS} <= set(labels), name_of(workload)


def test_selectors_use_only_what_never_changes(manifests):
    for workload in manifests.kind("StatefulSet", "Deployment"):
        selector = workload["spec"]["selector"]["matchLabels"]
        assert set(selector) == {"app.kubernetes.io/name", "app.kubernetes.io/instance"}, name_of(workload)
        assert selects(selector, workload["spec"]["template"]["metadata"]["labels"]), name_of(workload)
    for workload in manifests.kind("StatefulSet"):
        for claim in workload["spec"]["volumeClaimTemplates"]:
            labels = claim["metadata"].get("labels", {})
            assert "app.kubernetes.io/version" not in labels, f"{name_of(workload)}: claims cannot be changed"


def test_every_name_that_is_referred_to_exists(manifests):
    for workload in manifests.workloads():
        where, namespace = name_of(workload), workload["metadata"]["namespace"]
        configs, accounts = manifests.names("ConfigMap", namespace), manifests.names("ServiceAccount", namespace)
        pod = pod_of(workload)
        assert pod["serviceAccountName"] in accounts, where
        volumes = {volume["name"] for volume in pod.get("volumes", [])}
        for volume in pod.get("volumes", []):
            if "configMap" in volume:
                assert volume["configMap"]["name"] in configs, where
            if "secret" in volume:
                assert volume["secret"]["secretName"] in SECRETS_FROM_OUTSIDE, where
        for claim in workload["spec"].get("volumeClaimTemplates", []):
            volumes.add(claim["metadata"]["name"])
        for container in pod["containers"]:
            for source in container.get("envFrom", []):
                assert source["configMapRef"]["name"] in configs, where
            for mount in container.get("volumeMounts", []):
                assert mount["name"] in volumes, where
            ports = {port["name"] for port in container.get("ports", [])}
            for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
                for handler in ("httpGet", "tcpSocket"):
                    port = container.get(probe, {}).get(handler, {}).get("port")
                    assert port is None or port in ports, f"{where} {probe}"
    for workload in manifests.kind("StatefulSet"):
        service = manifests.named("Service", workload["spec"]["serviceName"], workload["metadata"]["namespace"])
        assert service["spec"]["clusterIP"] == "None", name_of(workload)
        assert service["spec"]["publishNotReadyAddresses"] is True, name_of(workload)


def test_services_and_budgets_select_a_workload(manifests):
    for item in manifests.kind("Service", "PodDisruptionBudget"):
        selector = item["spec"]["selector"]
        selector = selector.get("matchLabels", selector)
        targets = [
            workload
            for workload in manifests.kind("StatefulSet", "Deployment")
            if workload["metadata"]["namespace"] == item["metadata"]["namespace"]
            and selects(selector, workload["spec"]["template"]["metadata"]["labels"])
        ]
        assert len(targets) == 1, name_of(item)
        ports = {p["name"] for c in pod_of(targets[0])["containers"] for p in c.get("ports", [])}
        for port in item["spec"].get("ports", []):
            assert port["targetPort"] in ports, name_of(item)


def test_ingress_leads_to_a_service(manifests):
    for ingress in manifests.kind("Ingress"):
        for rule in ingress["spec"]["rules"]:
            for path in rule["http"]["paths"]:
                backend = path["backend"]["service"]
                service = manifests.named("Service", backend["name"], ingress["metadata"]["namespace"])
                assert backend["port"]["name"] in {port["name"] for port in service["spec"]["ports"]}


def test_addresses_in_the_settings_are_services(manifests):
    hosts = re.findall(r"([a-z0-9.-]+)\.svc\.cluster\.local", "\n".join(manifests.text.split()))
    assert hosts
    for host in hosts:
        *pod, service, namespace = host.split(".")
        if service.startswith("$"):
            continue
        manifests.named("Service", service.lstrip("@"), namespace)


# The shape of the system


def test_workers_are_stateful_and_the_gateway_is_not(manifests):
    assert manifests.names("StatefulSet", "cnabookstore") == set(WORKERS)
    assert manifests.names("Deployment", "cnabookstore") == {"gateway"}
    for name in WORKERS:
        spec = manifests.named("StatefulSet", name)["spec"]
        assert spec["podManagementPolicy"] == "Parallel"
        [claim] = spec["volumeClaimTemplates"]
        [container] = spec["template"]["spec"]["containers"]
        mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
        assert mounts[claim["metadata"]["name"]] == manifests.settings("bookstore")["DATA_DIR"]
        assert container["args"] == [name]


def test_instances_are_named_by_their_pod(manifests):
    for workload, container in manifests.containers():
        if workload["metadata"]["namespace"] == "cnabookstore":
            names = {entry["name"]: entry for entry in container["env"]}
            assert names["INSTANCE"]["valueFrom"]["fieldRef"]["fieldPath"] == "metadata.name", name_of(workload)


def test_only_gateway_and_order_listen(manifests):
    listening = {}
    for workload, container in manifests.containers():
        if workload["metadata"]["namespace"] == "cnabookstore":
            ports = [port["containerPort"] for port in container.get("ports", [])]
            if ports:
                listening[workload["metadata"]["name"]] = ports
    assert listening == {"gateway": [8080], "order": [8080]}
    with_ports = {
        service["metadata"]["name"]: [port["port"] for port in service["spec"]["ports"]]
        for service in manifests.kind("Service")
        if service["metadata"]["namespace"] == "cnabookstore" and service["spec"].get("ports")
    }
    assert with_ports == {"gateway": [8080], "order": [8080]}
    settings = manifests.settings("bookstore")
    assert settings["GATEWAY_PORT"] == "8080" and settings["ORDER_PORT"] == "8080"


def test_order_is_reached_only_where_it_is_ready(manifests):
    assert not manifests.named("Service", "order")["spec"].get("publishNotReadyAddresses")


def test_workers_scale_from_one_to_ten_at_thirty_percent(local):
    for name in WORKERS:
        scaler = local.named("HorizontalPodAutoscaler", name)["spec"]
        assert (scaler["minReplicas"], scaler["maxReplicas"]) == (1, 10), name
        assert scaler["scaleTargetRef"]["name"] == name and scaler["scaleTargetRef"]["kind"] == "StatefulSet"
        [metric] = scaler["metrics"]
        assert metric["resource"]["name"] == "cpu"
        assert metric["resource"]["target"] == {"type": "Utilization", "averageUtilization": 30}
        # An applied number of replicas would undo what the scaler decided.
        assert "replicas" not in local.named("StatefulSet", name)["spec"], name


def test_scaled_workers_still_have_a_shard_each(manifests):
    shards = int(manifests.settings("bookstore")["SHARDS"])
    for name in WORKERS:
        assert manifests.named("HorizontalPodAutoscaler", name)["spec"]["maxReplicas"] <= shards


def test_bookinventory_has_the_seeds_processor_share(manifests):
    [container] = pod_of(manifests.named("StatefulSet", "bookinventory"))["containers"]
    assert container["resources"]["requests"]["cpu"] == "200m"
    assert container["resources"]["limits"]["cpu"] == "500m"


def test_brokers_are_replaced_one_by_one_and_have_caught_up_in_between(manifests):
    assert manifests.named("StatefulSet", "my-kafka", "kafka")["spec"]["minReadySeconds"] >= 15


def test_jobs_end(manifests):
    for job in manifests.kind("Job"):
        spec = job["spec"]
        assert spec["backoffLimit"] and spec["activeDeadlineSeconds"] and spec["ttlSecondsAfterFinished"], name_of(job)


def test_every_workload_has_a_disruption_budget_that_lets_a_node_drain(manifests):
    for workload in manifests.kind("StatefulSet", "Deployment"):
        budget = manifests.named(
            "PodDisruptionBudget", workload["metadata"]["name"], workload["metadata"]["namespace"]
        )
        assert budget["spec"]["maxUnavailable"] == 1


def test_the_gateway_is_replaced_before_it_goes(manifests):
    strategy = manifests.named("Deployment", "gateway")["spec"]["strategy"]["rollingUpdate"]
    assert strategy == {"maxSurge": 1, "maxUnavailable": 0}


def test_a_changed_setting_rolls_the_pods(manifests):
    for item in manifests.kind("ConfigMap"):
        assert re.search(r"-[a-z0-9]{10}$", item["metadata"]["name"]), name_of(item)


def test_no_secret_is_in_the_repository(manifests):
    assert manifests.kind("Secret") == []


def test_images_are_pinned(manifests):
    for workload, container in manifests.containers():
        image, _, tag = container["image"].rpartition(":")
        assert image and tag and tag != "latest", name_of(workload)
        if image.endswith("cna-bookstore"):
            assert tag == VERSION, name_of(workload)
            labels = workload["spec"]["template"]["metadata"]["labels"]
            assert labels["app.kubernetes.io/version"] == VERSION, name_of(workload)


# Kafka under the users' habits


def test_the_habitual_console_consumer_line_works(manifests):
    kafka = manifests.named("StatefulSet", "my-kafka", "kafka")
    [container] = pod_of(kafka)["containers"]
    [mount] = [m for m in container["volumeMounts"] if m["mountPath"] == "/usr/bin/kafka-console-consumer"]
    [volume] = [v for v in pod_of(kafka)["volumes"] if v["name"] == mount["name"]]
    assert volume["configMap"]["defaultMode"] == 0o555
    [script] = [
        item["data"][mount["subPath"]]
        for item in manifests.kind("ConfigMap")
        if item["metadata"]["name"] == volume["configMap"]["name"]
    ]
    assert script.startswith("#!/bin/bash\n") and '/opt/kafka/bin/kafka-console-consumer.sh "$@"' in script
    ports = manifests.named("Service", "my-kafka", "kafka")["spec"]["ports"]
    assert [port["port"] for port in ports] == [9092]


def test_kafka_keeps_what_it_is_given(manifests):
    kafka = manifests.named("StatefulSet", "my-kafka", "kafka")
    settings = manifests.settings("kafka")
    replicas = str(kafka["spec"]["replicas"])
    assert settings["KAFKA_AUTO_CREATE_TOPICS_ENABLE"] == "false"
    assert settings["KAFKA_LOG_DIRS"].startswith("/var/lib/kafka/data")
    assert len(settings["KAFKA_CONTROLLER_QUORUM_VOTERS"].split(",")) == int(replicas)
    for key in ("KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR", "KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR"):
        assert settings[key] == replicas
    assert manifests.settings("bookstore")["KAFKA_REPLICATION_FACTOR"] == replicas


# Who may talk to whom


def policies(manifests, namespace):
    return [p["spec"] for p in manifests.kind("NetworkPolicy") if p["metadata"]["namespace"] == namespace]


def labels_of(manifests, name, namespace):
    for workload in manifests.workloads():
        if workload["metadata"]["name"] == name and workload["metadata"]["namespace"] == namespace:
            return workload["spec"]["template"]["metadata"]["labels"]
    raise AssertionError(name)


def peer_matches(peer, labels, namespace, own):
    if "namespaceSelector" in peer:
        if not selects(peer["namespaceSelector"].get("matchLabels", {}), {"kubernetes.io/metadata.name": namespace}):
            return False
    elif namespace != own:
        return False
    return selects(peer.get("podSelector", {}).get("matchLabels", {}), labels)


def allowed(manifests, direction, own, peer, port):
    """Whether a policy at `own` lets traffic from or to `peer` pass. Both are (namespace, labels)."""
    side = "from" if direction == "ingress" else "to"
    for spec in policies(manifests, own[0]):
        if not selects(spec["podSelector"].get("matchLabels", {}), own[1]):
            continue
        for rule in spec.get(direction, []):
            if port not in [entry["port"] for entry in rule["ports"]]:
                continue
            if side not in rule or any(peer_matches(p, peer[1], peer[0], own[0]) for p in rule[side]):
                return True
    return False


def reaches(manifests, source, target, port):
    return allowed(manifests, "egress", source, target, port) and allowed(manifests, "ingress", target, source, port)


def test_both_namespaces_deny_by_default(manifests):
    for namespace in ("cnabookstore", "kafka"):
        assert {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]} in policies(manifests, namespace)


def test_only_the_needed_arrows_are_open(manifests):
    pods = {
        name: ("cnabookstore", labels_of(manifests, name, "cnabookstore")) for name in [*WORKERS, "gateway", "topics"]
    }
    kafka = ("kafka", labels_of(manifests, "my-kafka", "kafka"))
    stranger = ("default", {})
    for name, pod in pods.items():
        assert reaches(manifests, pod, kafka, 9092), name
        assert not reaches(manifests, pod, kafka, 9093), name
        assert not allowed(manifests, "ingress", kafka, stranger, 9092)
        assert allowed(manifests, "egress", pod, ("kube-system", {}), 53), name
        assert not allowed(manifests, "egress", pod, stranger, 443), name
        for other, target in pods.items():
            assert not reaches(manifests, pod, target, 8080), f"{name} → {other}"
        assert allowed(manifests, "ingress", pod, stranger, 8080) == (name == "gateway"), name
    assert reaches(manifests, kafka, kafka, 9093)
    tools = ("cnabookstore", {"cnabookstore/tools": "true"})
    assert reaches(manifests, tools, pods["gateway"], 8080) and reaches(manifests, tools, pods["order"], 8080)
    assert not reaches(manifests, ("cnabookstore", {}), pods["order"], 8080)


def test_with_tls_only_kafkas_own_pods_reach_the_administrators_port():
    manifests = Manifests("production")
    broker = ("kafka", labels_of(manifests, "my-kafka", "kafka"))
    users = ("kafka", labels_of(manifests, "kafka-users", "kafka"))
    assert reaches(manifests, broker, broker, 9094) and reaches(manifests, users, broker, 9094)
    assert not reaches(manifests, users, broker, 9093)
    for name in [*WORKERS, "gateway", "topics"]:
        assert not reaches(manifests, ("cnabookstore", labels_of(manifests, name, "cnabookstore")), broker, 9094), name


# Beyond one overlay


def test_production_is_redundant():
    manifests = Manifests("production")
    assert manifests.named("StatefulSet", "my-kafka", "kafka")["spec"]["replicas"] == 3
    assert manifests.settings("kafka")["KAFKA_MIN_INSYNC_REPLICAS"] == "2"
    for scaler in manifests.kind("HorizontalPodAutoscaler"):
        assert scaler["spec"]["minReplicas"] >= 2, name_of(scaler)


def test_production_encrypts_and_every_service_has_its_own_user():
    manifests = Manifests("production")
    assert manifests.settings("bookstore")["KAFKA_SECURITY_PROTOCOL"] == "SASL_SSL"
    for workload, container in manifests.containers():
        if workload["metadata"]["namespace"] != "cnabookstore":
            continue
        name = workload["metadata"]["name"]
        assert {"name": "KAFKA_SASL_USERNAME", "value": name} in container["env"], name
        secrets = [v["secret"]["secretName"] for v in pod_of(workload)["volumes"] if "secret" in v]
        assert secrets == [f"kafka-{name}"], name


def test_there_are_two_overlays():
    assert OVERLAYS == ["local", "production"]
