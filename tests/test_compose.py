"""docker-compose.yml without Docker: its structure, known settings, an honest health check."""

from __future__ import annotations

import json
import re
import shutil
import socket
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.qdrant_stub import QdrantStub

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "docker-compose.yml").read_text("utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
QDRANTS = ("qdrant", "qdrant-0", "qdrant-1", "qdrant-2")
APPS = ("worker", "dashboard")
MONITORING = ROOT / "pipeline" / "watch" / "monitoring"

# Server settings (src/settings.rs and config/config.yaml of Qdrant 1.19), as environment variables.
KNOWN_SETTINGS = {
    f"QDRANT__{name}"
    for name in (
        "LOG_LEVEL",
        "TELEMETRY_DISABLED",
        "SERVICE__HOST",
        "SERVICE__HTTP_PORT",
        "SERVICE__GRPC_PORT",
        "SERVICE__MAX_REQUEST_SIZE_MB",
        "SERVICE__MAX_WORKERS",
        "SERVICE__ENABLE_CORS",
        "SERVICE__ENABLE_TLS",
        "SERVICE__VERIFY_HTTPS_CLIENT_CERTIFICATE",
        "SERVICE__API_KEY",
        "SERVICE__ALT_API_KEY",
        "SERVICE__READ_ONLY_API_KEY",
        "SERVICE__JWT_RBAC",
        "SERVICE__ENFORCE_INTERNAL_AUTH",
        "SERVICE__ENABLE_SNAPSHOT_URL_RECOVERY",
        "SERVICE__ENABLE_STATIC_CONTENT",
        "STORAGE__STORAGE_PATH",
        "STORAGE__SNAPSHOTS_PATH",
        "STORAGE__TEMP_PATH",
        "STORAGE__PERFORMANCE__MAX_SEARCH_THREADS",
        "STORAGE__OPTIMIZERS__DEFAULT_SEGMENT_NUMBER",
        "STORAGE__COLLECTION__REPLICATION_FACTOR",
        "CLUSTER__ENABLED",
        "CLUSTER__P2P__PORT",
        "CLUSTER__P2P__ENABLE_TLS",
        "CLUSTER__CONSENSUS__TICK_PERIOD_MS",
        "TLS__CERT",
        "TLS__KEY",
        "TLS__CA_CERT",
    )
}


def environment(service: str) -> dict[str, str]:
    return SERVICES[service].get("environment", {})


def active(profile: str) -> set[str]:
    """Names of the services that start under a profile."""
    return {
        name for name, service in SERVICES.items() if profile in service.get("profiles", [profile])
    }


def run_health_check(port: int) -> int:
    """Run the compose file's own command by bash, against another port."""
    *shell, command = SERVICES["qdrant"]["healthcheck"]["test"][1:]
    assert shell == ["bash", "-c"]
    assert command.count("6333") == 1
    moved = command.replace("6333", str(port))
    return subprocess.run(["bash", "-c", moved], timeout=10, stderr=subprocess.DEVNULL).returncode


def test_each_profile_starts_its_servers_and_both_apps() -> None:
    assert active("single") == {"qdrant", *APPS}
    assert active("cluster") == {"qdrant-0", "qdrant-1", "qdrant-2", *APPS}
    assert active("monitoring") == {"prometheus", "grafana", *APPS}
    example = (ROOT / ".env.example").read_text("utf-8")
    assert "\nCOMPOSE_PROFILES=single\n" in example


def test_every_server_setting_is_known_to_the_server() -> None:
    used = {key for name in SERVICES for key in environment(name) if key.startswith("QDRANT__")}

    assert used <= KNOWN_SETTINGS
    assert all(isinstance(value, str) for name in SERVICES for value in environment(name).values())


def test_keys_are_required_and_nobody_gets_more_than_needed() -> None:
    for name in QDRANTS:
        assert environment(name)["QDRANT__SERVICE__API_KEY"].startswith("${QDRANT_API_KEY:?")
        read_only = environment(name)["QDRANT__SERVICE__READ_ONLY_API_KEY"]
        assert read_only.startswith("${QDRANT_READ_ONLY_API_KEY:?")
    assert environment("worker")["QDRANT_API_KEY"].startswith("${QDRANT_API_KEY:?")
    assert environment("dashboard")["QDRANT_API_KEY"].startswith("${QDRANT_READ_ONLY_API_KEY:?")
    assert not re.search(r"API_KEY:-", TEXT)  # no default key


def test_no_port_is_published_beyond_this_machine() -> None:
    published = [port for service in SERVICES.values() for port in service.get("ports", [])]

    assert published
    for port in published:
        assert re.fullmatch(r"127\.0\.0\.1:\d+:\d+", port)
        assert not port.endswith(":6335")
    assert COMPOSE["networks"]["peers"]["internal"] is True


def test_every_service_has_a_health_check_and_no_more_rights_than_needed() -> None:
    for service in SERVICES.values():
        assert service["healthcheck"]["test"][0] == "CMD"
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert service["read_only"] is True
        assert service["tmpfs"] == ["/tmp"]
        assert service["restart"] == "unless-stopped"
    worker = SERVICES["worker"]["healthcheck"]["test"]
    assert worker[1:] == ["python", "-m", "pipeline", "worker", "--check"]
    assert "http://127.0.0.1:8501/healthz" in SERVICES["dashboard"]["healthcheck"]["test"][-1]


def test_servers_are_pinned_limited_and_keep_their_data_in_named_volumes() -> None:
    mounted: list[str] = []
    for name in QDRANTS:
        service = SERVICES[name]
        assert service["image"] == "qdrant/qdrant:${QDRANT_TAG:-v1.19.2-unprivileged}"
        assert service["ulimits"]["nofile"]["soft"] == 65536
        assert service["deploy"]["resources"]["limits"]["memory"]
        assert service["stop_grace_period"] == "60s"
        volumes = dict(volume.split(":") for volume in service["volumes"])
        assert sorted(volumes.values()) == ["/qdrant/snapshots", "/qdrant/storage"]
        mounted += volumes
    assert len(mounted) == len(set(mounted))  # no two servers share files
    assert {*mounted, "data", "prometheus", "grafana"} == set(COMPOSE["volumes"])


def test_the_apps_share_their_data_and_wait_for_the_server_they_use() -> None:
    for name in APPS:
        service = SERVICES[name]
        assert service["user"] == "1000:1000"
        assert service["volumes"] == ["data:/data"]
        assert environment(name)["HASHLENS_HOME"] == "/data"
        assert environment(name)["QDRANT_URL"] == "http://qdrant:6333"
        assert set(service["depends_on"]) == set(QDRANTS)
        for dependency in service["depends_on"].values():
            assert dependency == {"condition": "service_healthy", "required": False}
    for name in QDRANTS[1:]:
        assert SERVICES[name]["networks"]["default"]["aliases"] == ["qdrant"]


def test_nodes_join_the_first_one_over_the_inner_network() -> None:
    first, *others = ("qdrant-0", "qdrant-1", "qdrant-2")
    assert SERVICES[first]["command"][1:] == ["--uri", f"http://{first}:6335"]
    for name in others:
        assert SERVICES[name]["command"][1:] == [
            "--bootstrap", f"http://{first}:6335", "--uri", f"http://{name}:6335"
        ]  # fmt: skip
        assert SERVICES[name]["depends_on"] == {first: {"condition": "service_healthy"}}
        assert "ports" not in SERVICES[name]
    for name in (first, *others):
        assert "peers" in SERVICES[name]["networks"]
        assert environment(name)["QDRANT__CLUSTER__ENABLED"] == "true"


def test_the_monitoring_is_pinned_reads_only_files_that_exist_and_has_no_account() -> None:
    for name in ("prometheus", "grafana"):
        assert re.fullmatch(r"\w+/\w+:\$\{\w+:-v?\d+\.\d+\.\d+\}", SERVICES[name]["image"])
        assert int(SERVICES[name]["user"].partition(":")[0]) > 0
        for mount in SERVICES[name]["volumes"]:
            source, _, rest = mount.partition(":")
            assert source == name or (rest.endswith(":ro") and (ROOT / source).is_file())
    grafana = environment("grafana")
    assert grafana["GF_AUTH_ANONYMOUS_ORG_ROLE"] == "Viewer"
    assert grafana["GF_SECURITY_DISABLE_INITIAL_ADMIN_CREATION"] == "true"
    places = [mount.split(":")[1] for mount in SERVICES["grafana"]["volumes"]]
    assert grafana["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"] in places


def test_prometheus_reaches_the_dashboard_by_a_name_that_it_answers_to() -> None:
    asked = yaml.safe_load((MONITORING / "prometheus.yml").read_text("utf-8"))
    [job] = asked["scrape_configs"]
    [target] = job["static_configs"][0]["targets"]
    name, _, port = target.partition(":")

    assert f"--server.allowedHosts={name}" in SERVICES[name]["command"]
    assert f"--server.port={port}" in SERVICES[name]["command"]
    [secret] = SERVICES["prometheus"]["secrets"]
    assert job["authorization"] == {"credentials_file": f"/run/secrets/{secret}"}
    assert COMPOSE["secrets"][secret]["file"].endswith(":-/dev/null}")


def test_grafana_reads_from_prometheus_and_finds_its_dashboard() -> None:
    [source] = yaml.safe_load((MONITORING / "datasource.yml").read_text("utf-8"))["datasources"]
    [provider] = yaml.safe_load((MONITORING / "dashboards.yml").read_text("utf-8"))["providers"]
    panels = json.loads((MONITORING / "dashboard.json").read_text("utf-8"))["panels"]

    assert source["url"] == "http://prometheus:9090"
    assert {panel["datasource"]["uid"] for panel in panels} == {source["uid"]}
    assert f"{provider['options']['path']}/dashboard.json" in SERVICES["grafana"]["volumes"][2]


@pytest.mark.skipif(shutil.which("bash") is None, reason="the health check needs bash")
def test_the_health_check_believes_only_a_server_that_is_ready() -> None:
    with QdrantStub(api_key="key") as stub:
        port = int(stub.url.rpartition(":")[2])
        assert run_health_check(port) == 0
        assert stub.requests == [("GET", "/readyz", None)]
        stub.status = 503
        assert run_health_check(port) == 1
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        closed = probe.getsockname()[1]
    assert run_health_check(closed) == 1


def test_the_image_runs_as_a_user_and_holds_only_the_program() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text("utf-8")
    instructions = [
        line.split(maxsplit=1) for line in dockerfile.splitlines() if line[:1].isupper()
    ]
    copied = [words.split()[0] for name, words in instructions if name == "COPY"]
    ignored = (ROOT / ".dockerignore").read_text("utf-8").splitlines()

    assert instructions[0] == ["FROM", "python:3.11-slim"]
    assert ["USER", "hashlens"] in instructions
    assert "PYTHONPATH=/app" in dockerfile
    assert copied == ["requirements.txt", "models", "pipeline", "dashboard"]
    assert [line for line in ignored if line == "*"] == ["*"]
    assert {line[1:] for line in ignored if line.startswith("!")} == set(copied)
