"""Rules, and the queries of autoscalers, as Prometheus is asked."""

import yaml
from rendering import K8S, of_kind


def rules():
    (rule,) = of_kind("autoscale-keda", "PrometheusRule")
    return rule["spec"]


def alerts():
    return [rule for group in rules()["groups"] for rule in group["rules"] if "alert" in rule]


def keda_query():
    (scaled,) = of_kind("autoscale-keda", "ScaledObject")
    return scaled["spec"]["triggers"][0]["metadata"]["query"]


def kserve_query():
    (service,) = of_kind("kserve", "InferenceService")
    (metric,) = service["spec"]["predictor"]["autoScaling"]["metrics"]
    return metric["external"]["metric"]["query"]


def adapter_query():
    """prometheus-adapter's, as it asks for all pods of a namespace."""
    (rule,) = yaml.safe_load(
        (K8S / "components/autoscale-hpa/prometheus-adapter-rule.yaml").read_text()
    )
    query = rule["metricsQuery"]
    query = query.replace("<<.LabelMatchers>>", 'namespace="molmo2",pod=~"a|b"')
    return query.replace("<<.GroupBy>>", "pod")
