"""Who may reach whom: network policies, the ingress, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from starlette.routing import Mount, Route
from tests.unit.helm.chart import WORKLOADS, Manifest, Rendered, component_of, name_of, render

COMPONENT = "app.kubernetes.io/component"


def policies_of(rendered: Rendered, labels: dict[str, str]) -> list[Manifest]:
    return [
        one
        for one in rendered.of("NetworkPolicy")
        if one["spec"]["podSelector"]["matchLabels"].items() <= labels.items()
    ]


def policy(rendered: Rendered, component: str) -> Manifest:
    spec: Manifest = rendered.one("NetworkPolicy", f"captions-{component}")["spec"]
    return spec


def components_in(peers: list[Manifest]) -> set[str]:
    found: set[str] = set()
    for peer in peers:
        for expression in peer.get("podSelector", {}).get("matchExpressions", []):
            found |= set(expression["values"])
    return found


def reaches(rendered: Rendered, component: str) -> set[str]:
    """The components that a component may open connections to."""
    return set().union(*(components_in(rule.get("to", [])) for rule in policy(rendered, component)["egress"]))


def lets_in(rendered: Rendered, component: str) -> set[str]:
    """The components that may open connections to a component."""
    return set().union(
        *(components_in(rule.get("from", [])) for rule in policy(rendered, component)["ingress"])
    )


def test_every_pod_is_denied_first_and_then_has_a_policy_of_its_own(rendered: Rendered) -> None:
    if not rendered.of("NetworkPolicy"):
        return  # networkPolicy.enabled is false
    deny = rendered.one("NetworkPolicy", "captions-default-deny")["spec"]
    assert deny.keys() == {"podSelector", "policyTypes"}
    for name, labels, _spec in rendered.pods():
        found = policies_of(rendered, labels)
        assert len(found) == 2, name
        for one in found:
            assert one["spec"]["policyTypes"] == ["Ingress", "Egress"]


def test_both_ends_agree_on_who_speaks_to_whom(everything: Rendered) -> None:
    names = {component_of(one) for one in everything.of(*WORKLOADS)} | {"tests"}
    for component in names - {"redis"}:
        for other in reaches(everything, component) & names:
            assert component in lets_in(everything, other), f"{component} → {other}"


@pytest.mark.parametrize(
    ("component", "wanted"),
    [
        ("api", {"redis", "whisper-cpu", "whisper-gpu", "whisper-mock", "translation"}),
        ("audio-cpu", {"redis", "whisper-cpu", "whisper-gpu", "whisper-mock", "translation"}),
        ("bots", {"redis"}),
        ("whisper-cpu", set()),
        ("translation", set()),
        ("web", {"api"}),
        ("tests", {"api"}),
    ],
)
def test_a_process_reaches_what_it_needs_and_no_more(
    everything: Rendered, component: str, wanted: set[str]
) -> None:
    assert reaches(everything, component) == wanted


def test_redis_speaks_to_nobody(everything: Rendered) -> None:
    assert "egress" not in policy(everything, "redis")
    assert lets_in(everything, "redis") == {
        "api", "bots", "config", "monitoring", *(f"audio-{one}" for one in ("cpu", "gpu", "npu", "mock")),
    }  # fmt: skip


def test_every_pod_can_resolve_names(everything: Rendered) -> None:
    for component in everything.components() - {"redis"} | {"tests", "bot-runner"}:
        ports = policy(everything, component)["egress"][0]["ports"]
        assert {(port["protocol"], port["port"]) for port in ports} == {("UDP", 53), ("TCP", 53)}


def test_runners_reach_the_api_and_what_is_public_only(everything: Rendered) -> None:
    runner = everything.one("NetworkPolicy", "captions-bot-runner")
    assert runner["metadata"]["namespace"] == "captions-bots"
    assert runner["spec"]["podSelector"]["matchLabels"] == {"app.kubernetes.io/name": "dragoman-bot"}
    assert "ingress" not in runner["spec"]
    _names, api, public = runner["spec"]["egress"]
    (peer,) = api["to"]
    assert peer["podSelector"]["matchLabels"][COMPONENT] == "api"
    assert peer["namespaceSelector"]["matchLabels"] == {"kubernetes.io/metadata.name": "live"}
    excepted = {block["ipBlock"]["cidr"]: block["ipBlock"]["except"] for block in public["to"]}
    assert {"10.0.0.0/8", "169.254.0.0/16", "192.168.0.0/16"} <= set(excepted["0.0.0.0/0"])
    assert "fe80::/10" in excepted["::/0"]


def test_the_policy_of_runners_selects_the_pods_that_the_launcher_makes() -> None:
    from dragoman_orchestration.bots.launchers import kubernetes

    selected = render("everything").one("NetworkPolicy", "captions-bot-runner")["spec"]["podSelector"][
        "matchLabels"
    ]
    assert selected == {kubernetes.LABEL_APP: kubernetes.APP}


def test_runners_in_another_namespace_may_call_a_bounded_api(everything: Rendered) -> None:
    peers = [peer for rule in policy(everything, "api")["ingress"] for peer in rule.get("from", [])]
    assert {
        "podSelector": {"matchLabels": {"app.kubernetes.io/name": "dragoman-bot"}},
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "captions-bots"}},
    } in peers


def test_what_lies_outside_is_opened_by_its_port() -> None:
    def ports(rendered: Rendered, component: str) -> set[Any]:
        rules = policy(rendered, component)["egress"]
        return {port["port"] for rule in rules if "to" not in rule for port in rule["ports"]}

    values = {
        "otlpEndpoint": "https://otel.example",
        "audio": {"whisperUrl": "http://gpu-box.lan:9001"},
        "translation": {"env": {"DRAGOMAN_TRANSLATION_OPENAI_URL": "http://ollama.lan:11434/v1"}},
    }
    rendered = render("default", values)
    assert ports(rendered, "audio-cpu") == {443, 9001}
    assert ports(rendered, "translation") == {443, 11434}
    assert ports(render("redis-cluster"), "config") == {6379, 16379}
    tls = [
        rule
        for rule in policy(render("redis-tls"), "config")["egress"]
        if {"protocol": "TCP", "port": 6380} in rule["ports"]
    ]
    assert tls == [
        {"ports": [{"protocol": "TCP", "port": 6380}], "to": [{"ipBlock": {"cidr": "10.20.0.0/24"}}]}
    ]


def paths(rendered: Rendered) -> dict[str, tuple[str, str]]:
    (ingress,) = rendered.of("Ingress")
    (rule,) = ingress["spec"]["rules"]
    return {
        one["path"]: (one["pathType"], one["backend"]["service"]["name"]) for one in rule["http"]["paths"]
    }


def test_the_ingress_leads_to_ports_that_are_there(everything: Rendered) -> None:
    for _kind, service in paths(everything).values():
        ports = everything.one("Service", service)["spec"]["ports"]
        assert [port["name"] for port in ports] == ["http"]


def test_the_ingress_lets_through_what_the_api_and_the_page_have_and_no_metrics() -> None:
    from dragoman_orchestration.api.app import create_app
    from dragoman_orchestration.api.settings import ApiSettings
    from dragoman_orchestration.container import ApiContainer
    from dragoman_runtime.settings import RuntimeSettings

    rendered = render("default", {"ingress": {"enabled": True}})
    known = paths(rendered)
    assert set(known.values()) == {("Exact", "captions-api"), ("Prefix", "captions-api")}

    def passes(path: str) -> bool:
        return any(
            path == one if kind == "Exact" else path == one or path.startswith(one + "/")
            for one, (kind, _service) in known.items()
        )

    app = create_app(ApiContainer(runtime_settings=RuntimeSettings(), settings=ApiSettings()))
    own = {"/health", "/ready", "/metrics"}
    public = {route.path for route in app.routes if isinstance(route, Route | Mount)}
    public = (public | set(app.openapi()["paths"])) - own
    assert {"/v1/sessions", "/docs", "/watch/{rest:path}"} <= public
    assert not [path for path in public if not passes(path)]
    assert not [path for path in own if passes(path)]


def test_sockets_and_uploads_have_their_time_and_size() -> None:
    (ingress,) = render("everything").of("Ingress")
    notes = ingress["metadata"]["annotations"]
    assert int(notes["nginx.ingress.kubernetes.io/proxy-read-timeout"]) >= 3600
    assert int(notes["nginx.ingress.kubernetes.io/proxy-send-timeout"]) >= 3600
    # DRAGOMAN_API_MAX_BODY_BYTES is 500 MB by default.
    assert int(notes["nginx.ingress.kubernetes.io/proxy-body-size"].removesuffix("m")) * 2**20 >= 524_288_000
    assert ingress["spec"]["tls"] == [{"secretName": "captions-tls", "hosts": ["captions.example.org"]}]


def test_the_page_can_come_from_nginx_which_hands_the_api_on(everything: Rendered) -> None:
    known = paths(everything)
    assert known["/"] == ("Exact", "captions-web")
    assert known["/sessions"] == ("Prefix", "captions-web")
    assert known["/v1"] == ("Prefix", "captions-api")
    config = everything.one("ConfigMap", "captions-web")["data"]["nginx.conf"]
    assert "server captions-api:80 " in config
    assert "server api:" not in config


def test_the_chart_has_the_nginx_configuration_of_the_image() -> None:
    root = Path(__file__).parents[3]
    own = (root / "helm" / "dragoman" / "files" / "nginx.conf").read_text(encoding="utf-8")
    assert own == (root / "docker" / "nginx.conf").read_text(encoding="utf-8"), "run helm/sync-files"
    assert own.count("server api:8080 ") == 1


def test_without_policies_there_are_none() -> None:
    assert not render("minimal").of("NetworkPolicy")
    assert name_of(render("default").of("NetworkPolicy")[0]) == "captions-default-deny"
