"""Compose files, Dockerfile, pipeline and scripts, read as they lie in the repository."""

import pathlib
import re
import subprocess
import sys

import pytest
import yaml
from conftest import ROOT, VERSION, WORKERS

TOOLS = pathlib.Path(sys.executable).parent
COMPOSE = sorted((ROOT / "compose").glob("*.yaml"))
SCRIPTS = sorted([*(ROOT / "Tests" / "Deploy").rglob("*.sh"), *(ROOT / "k8s").rglob("*.sh")])
PIPELINES = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def merged(*names):
    """Merges compose files as far as the tests need: maps deeply, everything else by replacement."""

    def merge(base, extra):
        for key, value in extra.items():
            base[key] = merge(base[key], value) if isinstance(value, dict) and isinstance(base.get(key), dict) else value
        return base

    result = {}
    for name in names:
        result = merge(result, yaml.safe_load((ROOT / "compose" / name).read_text()))
    return result


@pytest.fixture(params=[(), ("kafka-3.yaml",), ("tls-sasl.yaml",), ("console.yaml",)], ids=lambda p: p[0] if p else "alone")
def compose(request):
    return merged("compose.yaml", *request.param)


def ours(compose):
    return {n: s for n, s in compose["services"].items() if s.get("image", "").startswith("cna-bookstore")}


def test_compose_has_the_whole_system(compose):
    for name, service in ours(compose).items():
        assert service["image"] == f"cna-bookstore:${{BOOKSTORE_VERSION:-{VERSION}}}", name
    assert set(ours(compose)) == {*WORKERS, "gateway", "topics"}
    assert "kafka" in compose["services"]


def test_compose_limits_and_restarts_everything(compose):
    for name, service in compose["services"].items():
        assert set(service["deploy"]["resources"]["limits"]) == {"cpus", "memory"}, name
        assert service["restart"] in ("unless-stopped", "on-failure"), name


def test_compose_publishes_on_loopback_only(compose):
    published = [port for service in compose["services"].values() for port in service.get("ports", [])]
    assert "127.0.0.1:8080:8080" in published and "127.0.0.1:8081:8081" in published
    for port in published:
        assert port.startswith("127.0.0.1:"), port


def test_compose_hardens_our_containers(compose):
    for name, service in ours(compose).items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["user"] == "65532:65532", name
        assert service["security_opt"] == ["no-new-privileges:true"], name


def test_compose_gives_no_container_a_capability_it_does_not_need(compose):
    for name, service in compose["services"].items():
        assert service["cap_drop"] == ["ALL"] and service["security_opt"] == ["no-new-privileges:true"], name
        assert not service.get("cap_add") or name == "secrets", name


def test_compose_waits_for_what_it_needs(compose):
    for name, service in ours(compose).items():
        needs = service["depends_on"]
        assert needs["kafka"]["condition"] == "service_healthy", name
        if name != "topics":
            assert needs["topics"]["condition"] == "service_completed_successfully", name
            assert service["healthcheck"]["test"][:3] == ["CMD", "bookstore", "health"], name


def test_compose_volumes_and_dependencies_exist(compose):
    for name, service in compose["services"].items():
        assert set(service.get("depends_on", {})) <= set(compose["services"]), name
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            if source.startswith("."):
                assert (ROOT / "compose" / source).exists(), f"{name}: {source}"
            else:
                assert source in compose["volumes"], f"{name}: {source}"


def test_every_worker_has_its_own_volume_and_name(compose):
    for name in WORKERS:
        assert compose["services"][name]["environment"]["INSTANCE"] == f"{name}-0"
        assert f"{name}-0" in compose["volumes"]


def test_three_brokers_keep_three_copies():
    services = merged("compose.yaml", "kafka-3.yaml")["services"]
    for name in ("kafka", "kafka-2", "kafka-3"):
        environment = services[name]["environment"]
        assert environment["KAFKA_MIN_INSYNC_REPLICAS"] == "2"
        assert environment["KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR"] == "3"
        assert len(environment["KAFKA_CONTROLLER_QUORUM_VOTERS"].split(",")) == 3
        # Brokers that disagree about these look for a group's coordinator in different places.
        for key in ("KAFKA_OFFSETS_TOPIC_NUM_PARTITIONS", "KAFKA_TRANSACTION_STATE_LOG_NUM_PARTITIONS"):
            assert environment[key] == services["kafka"]["environment"][key], f"{name}: {key}"
    assert sorted(services[n]["environment"]["KAFKA_NODE_ID"] for n in ("kafka", "kafka-2", "kafka-3")) == ["1", "2", "3"]
    for service in (*WORKERS, "gateway", "topics"):
        assert services[service]["environment"]["KAFKA_BOOTSTRAP"].count(":9092") == 3


def test_with_tls_every_service_has_its_own_user_and_secret():
    services = merged("compose.yaml", "tls-sasl.yaml")["services"]
    for name in (*WORKERS, "gateway", "topics"):
        assert services[name]["environment"]["KAFKA_SASL_USERNAME"] == name
        assert f"secrets-{name}:/run/secrets/kafka:ro" in services[name]["volumes"]


def test_dockerfile_is_clean():
    subprocess.run(
        # Versions of Debian's packages are Debian's business: a pinned one is gone with the next security fix.
        [TOOLS / "hadolint", "--ignore", "DL3008", ROOT / "Dockerfile"], check=True
    )


def test_dockerfile_keeps_its_promises():
    text = (ROOT / "Dockerfile").read_text()
    last = text[text.rindex("\nFROM ") :]
    user = re.search(r"^USER (\d+):(\d+)$", last, re.M)
    assert user and int(user[1]) > 0
    assert "STOPSIGNAL SIGTERM" in last and 'ENTRYPOINT ["/usr/bin/bookstore"]' in last
    assert f"\nARG VERSION={VERSION}\n" in last
    for label in ("title", "description", "version", "revision", "base.name"):
        assert f"org.opencontainers.image.{label}" in last
    assert "--static-swift-stdlib" in text


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_scripts_are_clean(script):
    # SC1091, SC2154: what a sourced file sets is not seen.  SC2046: words are wanted where a list is built.
    left_out = "SC1091,SC2154,SC2046"
    subprocess.run([TOOLS / "shellcheck", "-s", "bash", "-S", "warning", "-e", left_out, script], check=True)


@pytest.mark.parametrize("path", [*COMPOSE, *PIPELINES, *sorted((ROOT / "k8s").rglob("*.yaml"))], ids=lambda p: p.name)
def test_yaml_is_clean(path):
    rules = "{extends: default, rules: {line-length: {max: 240}, document-start: disable, truthy: {check-keys: false}, "
    rules += "braces: {max-spaces-inside: 1}, comments: {min-spaces-from-content: 1}, indentation: {indent-sequences: consistent}}}"
    subprocess.run([TOOLS / "yamllint", "--strict", "-d", rules, path], check=True)


def test_the_pipeline_lints_tests_builds_and_validates():
    [pipeline] = [yaml.safe_load(path.read_text()) for path in PIPELINES]
    assert {"lint", "test", "image", "manifests"} <= set(pipeline["jobs"])
    assert pipeline["permissions"] == {"contents": "read"}
    for name, job in pipeline["jobs"].items():
        assert job["timeout-minutes"] <= 90, name
        for step in job["steps"]:
            assert re.fullmatch(r"[\w./-]+@v\d+", step.get("uses", "a/b@v1")), name


@pytest.mark.parametrize("path", PIPELINES, ids=lambda p: p.name)
def test_the_pipeline_fits_the_published_schema(path):
    subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.github-workflows", path], check=True
    )


def test_what_the_pipeline_runs_exists():
    makefiles = (ROOT / "Makefile").read_text() + (ROOT / "Tests" / "Deploy" / "deploy.mk").read_text()
    targets = set(re.findall(r"^([a-z0-9-]+):", makefiles, re.M))
    for path in PIPELINES:
        commands = [s["run"] for job in yaml.safe_load(path.read_text())["jobs"].values() for s in job["steps"] if "run" in s]
        for target in re.findall(r"^make ([a-z0-9-]+)|&& make ([a-z0-9-]+)", "\n".join(commands), re.M):
            assert (target[0] or target[1]) in targets, target
        for file in re.findall(r"-f (\S+)", "\n".join(commands)):
            assert (ROOT / file).exists(), file
