//! Amounts of resources, and networks.

use schemars::{Schema, SchemaGenerator, json_schema};

use super::{List, list, map, string, with_rules};

/// A Kubernetes quantity: a number, or a string such as `500m` or `2Gi`. Only such as the API server stores at their
/// value: it rounds what is finer than a thousandth and cuts off what is larger than 63 bits, and an operator that
/// compares what it asked for with what it finds would write for ever.
fn quantity() -> Schema {
    with_rules(
        json_schema!({"x-kubernetes-int-or-string": true, "maxLength": 32}),
        &[(
            "string(self).matches('^([0-9]+m|[0-9]+([.][0-9]{1,3})?([kMGTPE]|[KMGTPE]i|[eE][0-9]{1,2})?)$') && \
             isQuantity(string(self)) && quantity(string(self)).isLessThan(quantity('9223372036854775807'))",
            "must be a quantity such as 2, 500m or 2Gi: not negative, no finer than a thousandth, and less than 2^63",
        )],
    )
}

/// What a ResourceQuota can count, by its name.
pub fn quota(_: &mut SchemaGenerator) -> Schema {
    map(
        32,
        quantity(),
        &[
            (
                "self.all(name, name.size() <= 80 && (\
                 name in ['cpu','memory','ephemeral-storage','requests.cpu','requests.memory','requests.storage',\
                 'requests.ephemeral-storage','limits.cpu','limits.memory','limits.ephemeral-storage','pods','services',\
                 'services.nodeports','services.loadbalancers','persistentvolumeclaims','secrets','configmaps',\
                 'replicationcontrollers','resourcequotas'] || \
                 name.matches('^(requests[.])?hugepages-[0-9]+[KMGTPE]i$') || \
                 name.matches('^[a-z0-9]([-a-z0-9.]*[a-z0-9])?/[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$')))",
                "names must be of what a ResourceQuota can count, such as pods, requests.cpu, limits.memory, requests.storage, count/deployments.apps or requests.example.com/gpu",
            ),
            (
                "self.all(name, !(name in ['pods','services','services.nodeports','services.loadbalancers',\
                 'persistentvolumeclaims','secrets','configmaps','replicationcontrollers','resourcequotas'] || \
                 name.startsWith('count/')) || !isQuantity(string(self[name])) || quantity(string(self[name])).isInteger())",
                "what is counted (pods, services, count/… and the like) must be a whole number",
            ),
        ],
    )
}

/// What a container can ask for, by its name.
pub fn container_resources(_: &mut SchemaGenerator) -> Schema {
    map(
        8,
        quantity(),
        &[(
            "self.all(name, name.size() <= 80 && (\
             name in ['cpu','memory','ephemeral-storage'] || name.matches('^hugepages-[0-9]+[KMGTPE]i$') || \
             name.matches('^[a-z0-9]([-a-z0-9.]*[a-z0-9])?/[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$')))",
            "names must be of what a container can ask for: cpu, memory, ephemeral-storage, hugepages-… or one with a domain such as example.com/gpu",
        )],
    )
}

/// A range of addresses in CIDR notation, written as the network it is.
pub fn cidr(_: &mut SchemaGenerator) -> Schema {
    string(
        43,
        &[(
            "isCIDR(self) && cidr(self) == cidr(self).masked()",
            "must be a network such as 10.0.0.0/8 or 2001:db8::/32, without bits set beyond its prefix",
        )],
    )
}

/// Parts of a network, each once.
pub fn cidrs(generator: &mut SchemaGenerator) -> Schema {
    list(List::Set, 8, cidr(generator), &[])
}

/// Port numbers, each once.
pub fn ports(_: &mut SchemaGenerator) -> Schema {
    let port = json_schema!({"type": "integer", "format": "int32", "minimum": 1, "maximum": 65535});
    list(List::Set, 16, port, &[])
}
