package policy

import rego.v1

default allow := false

something_is_wrong if {
	some _, submodule in input.submods
	submodule["ear.status"] != "affirming"
}

allow if {
	count(input.submods) > 0
	not something_is_wrong
}
