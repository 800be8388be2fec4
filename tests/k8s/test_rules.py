"""Recording rules, alerts and autoscaling queries, run by Prometheus' own rule tester."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from queries import adapter_query, alerts, keda_query, kserve_query, rules
from rendering import ROOT

RULE_TESTS = sorted((Path(__file__).parent / "rules").glob("*.yaml"))

promtool = pytest.mark.skipif(
    shutil.which("promtool") is None, reason="promtool is missing: make k8s-test"
)


def run(tmp_path, name, tests):
    (tmp_path / "molmo2.yaml").write_text(yaml.safe_dump(rules()))
    (tmp_path / name).write_text(tests)
    command = ["promtool", "test", "rules", tmp_path / name]
    return subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)


@promtool
@pytest.mark.parametrize("tests", RULE_TESTS, ids=lambda path: path.stem)
def test_rules_say_what_their_tests_expect(tests, tmp_path):
    done = run(tmp_path, tests.name, tests.read_text())
    assert done.returncode == 0, done.stdout + done.stderr


def target(pod, up):
    """Of the PodMonitor, as the operator names it."""
    labels = f'namespace="molmo2",pod="{pod}",job="molmo2/molmo2"'
    return {"series": f"up{{{labels}}}", "values": up}


def in_flight(pod, requests, admitting):
    labels = f'namespace="molmo2",pod="{pod}"'
    return [
        {"series": f"molmo2_requests_in_flight{{{labels}}}", "values": requests},
        {"series": f"molmo2_request_slots{{{labels}}}", "values": "16x9"},
        {"series": f"molmo2_admitting{{{labels}}}", "values": admitting},
        target(pod, "1x9"),
    ]


DEMAND = [*in_flight("a", "16x9", "1x9"), *in_flight("b", "8x9", "1x9")]
LEAVING = [*in_flight("a", "16x9", "1x9"), *in_flight("b", "8x9", "0x9")]
LOADING = [{"series": 'molmo2_admitting{namespace="molmo2",pod="a"}', "values": "0x9"}]
BROKEN = [target("a", "0x9"), target("b", "0x9")]
UNRECORDED = [target("a", "1x9")]
"""Pods whose metrics are read, and no rule makes anything of them."""
ELSEWHERE = [{"series": 'up{namespace="molmo2",job="molmo2/mongodb"}', "values": "1x9"}]


@promtool
@pytest.mark.parametrize(
    ("query", "series", "samples"),
    [
        (keda_query, DEMAND, [("{}", 1.5)]),
        (keda_query, LEAVING, [("{}", 1.0)]),  # what a draining pod still does needs no other pod
        (kserve_query, LEAVING, [("{}", 1.0)]),
        (keda_query, [], [("{}", 0)]),  # no pod, no demand, and one element all the same
        (keda_query, ELSEWHERE, [("{}", 0)]),
        (keda_query, [*LOADING, target("a", "1x9")], [("{}", 0)]),
        # Pods of which nothing is known: no answer, so that KEDA falls back.
        *(
            (query, broken, [])
            for query in (keda_query, kserve_query)
            for broken in (BROKEN, UNRECORDED)
        ),
        (kserve_query, DEMAND, [("{}", 1.5)]),
        (adapter_query, DEMAND, [('{pod="a"}', 1.0), ('{pod="b"}', 0.5)]),
    ],
)
def test_a_query_gives_an_autoscaler_its_number(query, series, samples, tmp_path):
    expected = [{"labels": labels, "value": value} for labels, value in samples]
    document = {
        "rule_files": ["molmo2.yaml"],
        "evaluation_interval": "10s",
        "tests": [
            {
                "interval": "10s",
                "input_series": series,
                "promql_expr_test": [
                    {"expr": query(), "eval_time": "30s", "exp_samples": expected}
                ],
            }
        ],
    }
    done = run(tmp_path, "query.yaml", yaml.safe_dump(document))
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_has_a_runbook_and_every_runbook_an_alert():
    runbooks = (ROOT / "docs" / "runbooks.md").read_text()
    titles = re.findall(r"^## (\w+)$", runbooks, re.MULTILINE)
    assert titles == [alert["alert"] for alert in alerts()]
    for alert in alerts():
        assert alert["annotations"]["runbook"] == f"docs/runbooks.md#{alert['alert'].lower()}"
        assert alert["labels"]["severity"] in ("warning", "critical")


def test_every_alert_is_tested():
    text = "".join(path.read_text() for path in RULE_TESTS)
    assert all(f'alertname="{alert["alert"]}"' in text for alert in alerts())
