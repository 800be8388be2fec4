"""What a pod may reach."""

import json
from ipaddress import ip_address, ip_network

import pytest
from policies import numbered, rules, the_policy
from rendering import OVERLAYS, of_kind, pods, the

pytestmark = pytest.mark.parametrize("overlay", OVERLAYS)


@pytest.mark.parametrize(
    "address",
    [
        *("10.1.2.3", "172.20.0.1", "192.168.1.1", "169.254.169.254", "127.0.0.1", "100.100.0.1"),
        *(
            "fd00:ec2::254",
            "fe80::1",
            "::1",
            "::ffff:10.1.2.3",
            "64:ff9b::a01:203",
            "2002:a01:203::",
        ),
    ],
)
def test_no_policy_lets_a_pod_out_to_private_networks_or_metadata(overlay, address):
    for rule in rules(overlay, "egress"):
        for block in (to["ipBlock"] for to in rule["to"] if "ipBlock" in to):
            network = ip_network(block["cidr"])
            spared = [ip_network(spared) for spared in block.get("except", ())]
            inside = ip_address(address) in network
            assert not inside or any(ip_address(address) in network for network in spared)


def test_what_a_policy_lets_out_to_is_a_port_of_the_pods_that_it_names(overlay):
    everybody = pods(overlay)
    for rule in rules(overlay, "egress"):
        for to in rule["to"]:
            wanted = to.get("podSelector", {}).get("matchLabels", {})
            if "namespaceSelector" in to or not wanted:
                continue
            ((_, spec),) = (one for one in everybody if wanted.items() <= one[0].items())
            assert all(numbered(spec, port["port"]) for port in rule["ports"])


def test_names_are_asked_of_the_clusters_dns_and_of_nobody_else(overlay):
    (rule,) = the_policy(overlay, "molmo2-names")["egress"]
    (to,) = rule["to"]
    assert to["namespaceSelector"]["matchLabels"] == {"kubernetes.io/metadata.name": "kube-system"}
    assert to["podSelector"]["matchLabels"] == {"k8s-app": "kube-dns"}
    asked = {(port["port"], port["protocol"]) for port in rule["ports"]}
    assert asked == {(53, "UDP"), (53, "TCP")}


def test_pods_that_need_the_internet_are_let_out_on_the_ports_that_the_server_allows(overlay):
    settings = the(overlay, "ConfigMap", "molmo2-settings")["data"]
    allowed = json.loads(settings["MOLMO2_HANDLER_VIDEO__ALLOWED_PORTS"])
    let_out = of_kind(overlay, "NetworkPolicy")
    if overlay == "demo-cpu":  # its weights are an image, its videos come with the requests
        assert "molmo2-public" not in {one["metadata"]["name"] for one in let_out}
        return
    (rule,) = the_policy(overlay, "molmo2-public")["egress"]
    assert rule["ports"] == [{"port": port, "protocol": "TCP"} for port in allowed]
    assert {to["ipBlock"]["cidr"] for to in rule["to"]} == {"0.0.0.0/0", "2000::/3"}
