"""What the policies of an overlay allow its pods."""

from rendering import containers, of_kind, the


def rules(overlay, direction, labels=None):
    """What all policies allow, ``ingress`` or ``egress``; of those for pods with these labels."""
    found = of_kind(overlay, "NetworkPolicy")
    return [
        rule
        for policy in found
        if labels is None or selected(policy).items() <= labels.items()
        for rule in policy["spec"].get(direction, ())
    ]


def selected(policy):
    return policy["spec"]["podSelector"]["matchLabels"]


def numbered(spec, port):
    """A Service's or a policy's port of these pods as a number.

    A name is looked up as Kubernetes 1.30 does: not among sidecars, which are init containers.
    """
    if isinstance(port, int):
        assert port in open_ports(spec).values()
        return port
    named = {one["name"]: one for each in spec["containers"] for one in each.get("ports", ())}
    return named[port]["containerPort"]


def reached(overlay, labels, spec):
    """Ports of those pods that somebody may reach."""
    return {
        numbered(spec, port["port"])
        for rule in rules(overlay, "ingress", labels)
        for port in rule["ports"]
    }


def open_ports(spec):
    """By name, all containers' alike."""
    return {
        port["name"]: port["containerPort"]
        for one in containers(spec)
        for port in one.get("ports", ())
    }


def the_policy(overlay, name):
    return the(overlay, "NetworkPolicy", name)["spec"]
