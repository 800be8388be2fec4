"""The labelling Job and its database: valid, restricted, let in, and commands that exist."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from rendering import K8S, containers, of_kind, pod, pods

from molmo2_client.fiftyone.database import private_database
from schemas import check, kubernetes_versions


def examples(name):
    return list(yaml.safe_load_all((K8S / "examples" / name).read_text()))


@pytest.fixture(scope="module", params=["label-job.yaml", "demo-job.yaml"])
def job(request):
    (job,) = examples(request.param)
    return job


@pytest.fixture(scope="module")
def database():
    return {thing["kind"]: thing for thing in examples("mongodb.yaml")}


def test_they_are_valid(job, database):
    for version in kubernetes_versions():
        for thing in (job, *database.values()):
            check(thing, version)


@pytest.mark.parametrize("name", ["label-job.yaml", "demo-job.yaml", "mongodb.yaml"])
def test_they_may_run_in_the_namespace_as_servers_do(name):
    (server,) = pod("gpu")[1]["containers"]
    spec = examples(name)[0]["spec"]["template"]["spec"]
    for one in containers(spec):
        assert one["securityContext"] == server["securityContext"]
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["runAsUser"] > 0
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert spec["enableServiceLinks"] is False
    assert spec["automountServiceAccountToken"] is False


def test_only_callers_reach_the_database_where_they_look_for_it(job, database):
    spec = database["StatefulSet"]["spec"]["template"]
    (port,) = spec["spec"]["containers"][0]["ports"]
    (rule,) = database["NetworkPolicy"]["spec"]["ingress"]
    assert database["NetworkPolicy"]["spec"]["policyTypes"] == ["Ingress", "Egress"]
    assert rule["ports"] == [{"port": port["name"]}]
    labels = job["spec"]["template"]["metadata"]["labels"]
    assert rule["from"][0]["podSelector"]["matchLabels"].items() <= labels.items()
    address = f"mongodb://{database['Service']['metadata']['name']}:{port['containerPort']}"
    for one in containers(job["spec"]["template"]["spec"]):
        assert {"name": "FIFTYONE_DATABASE_URI", "value": address} in one["env"]


@pytest.mark.slow
def test_the_dataset_has_each_video_once_however_often_the_job_runs(job, tmp_path):
    (making,) = job["spec"]["template"]["spec"]["initContainers"]
    program, option, script = making["args"]
    assert program == "python"
    folder = tmp_path / "videos"
    folder.mkdir()
    script = script.replace("/etc/videos", str(folder)).replace('"/videos"', f'"{folder}"')
    told = "\nprint(sorted(fo.load_dataset(name).values('filepath')), dataset.media_type)"
    with private_database(tmp_path / "mongo"):
        environment = {**os.environ, "HOME": str(tmp_path)}
        for number in (2, 3):
            videos = [f"{folder}/{one:04}.mp4" for one in range(number)]
            (folder / "videos.txt").write_text("\n".join(videos) + "\n")
            for path in videos:
                Path(path).touch()
            command = [sys.executable, "-W", "ignore", option, script + told]
            done = subprocess.run(command, env=environment, capture_output=True, text=True)
            assert done.returncode == 0, done.stderr
            assert done.stdout.splitlines()[-1] == f"{videos} video"


def test_ways_out_to_media_are_the_servers_and_lead_to_no_other_port():
    labels, _ = pod("gpu")
    (policy,) = examples("egress-media.yaml")
    for version in kubernetes_versions():
        check(policy, version)
    assert policy["spec"]["podSelector"]["matchLabels"].items() <= labels.items()
    assert [rule["ports"] for rule in policy["spec"]["egress"]] == [
        [{"port": 443, "protocol": "TCP"}]
    ]
    (named,) = examples("egress-cilium.yaml")
    assert named["spec"]["endpointSelector"]["matchLabels"].items() <= labels.items()
    _, names = named["spec"]["egress"]
    assert all(set(name) <= {"matchName", "matchPattern"} for name in names["toFQDNs"])
    assert names["toPorts"] == [{"ports": [{"port": "443", "protocol": "TCP"}]}]


def test_a_cache_of_names_on_the_node_is_one_address_and_one_port():
    text = (K8S / "components" / "egress-node-dns" / "egress.yaml").read_text()
    policy = yaml.safe_load(text)
    for version in kubernetes_versions():
        check(policy, version)
    (rule,) = policy["spec"]["egress"]
    assert rule["to"] == [{"ipBlock": {"cidr": "169.254.20.10/32"}}]
    assert {(port["port"], port["protocol"]) for port in rule["ports"]} == {
        (53, "UDP"),
        (53, "TCP"),
    }
    (wanted,) = policy["spec"]["podSelector"]["matchExpressions"]
    everybody = {labels[wanted["key"]] for labels, _ in pods("affinity")}
    assert set(wanted["values"]) == everybody


def test_servers_let_it_in(job):
    labels = job["spec"]["template"]["metadata"]["labels"]
    (callers,) = (
        policy
        for policy in of_kind("gpu", "NetworkPolicy")
        if policy["metadata"]["name"] == "molmo2-callers"
    )
    first, *_ = callers["spec"]["ingress"][0]["from"]
    assert first["podSelector"]["matchLabels"].items() <= labels.items()


def test_its_command_takes_its_options(job):
    (one,) = job["spec"]["template"]["spec"]["containers"]
    _, command, *arguments = one["args"]
    options = [argument.partition("=")[0] for argument in arguments if argument.startswith("--")]
    molmo2 = Path(sys.executable).with_name("molmo2")
    told = subprocess.run(
        [molmo2, command, "--help"],
        capture_output=True,
        text=True,
        env={"COLUMNS": "300", "NO_COLOR": "1"},
    )
    assert told.returncode == 0, told.stderr
    assert all(option in told.stdout for option in options), options
