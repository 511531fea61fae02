package policy

import rego.v1

default allow := false

allowed_measurements := ["aa", "bb"]

violations contains "measurement" if {
	not measurement_is_known
}

violations contains "debug" if {
	input.submods.cpu0["ear.veraison.annotated-evidence"].snp.policy_debug_allowed == true
}

violations contains "gpu" if {
	some name
	input.submods[name]["ear.status"] == "contraindicated"
	startswith(name, "gpu")
}

measurement_is_known if {
	input.submods.cpu0["ear.veraison.annotated-evidence"].snp.measurement in allowed_measurements
}

allow if {
	startswith(concat("/", data["resource-path"]), "payments/image-key/")
	count(violations) == 0
	data.query.purpose == "boot"
}
