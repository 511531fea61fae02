package policy

import rego.v1

default allow := false

# Each team has a repository, and may have keys of the kinds that it uses.
path := data["resource-path"]

allow if {
	data.plugin == "resource"
	path[0] == "payments"
	path[1] in {"image-key", "signing"}
	evidence := input.submods.cpu0["ear.veraison.annotated-evidence"]
	evidence.snp.policy_debug_allowed == false
	is_affirming("cpu0")
}

allow if {
	data["resource-path"] == ["research", "model", "weights"]
	input["submods"]["cpu0"]["ear.trustworthiness-vector"]["executables"] == 3
	input["submods"]["cpu0"]["ear.trustworthiness-vector"].hardware <= 2
}

is_affirming(name) if input.submods[name]["ear.status"] == "affirming"
