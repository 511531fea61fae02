package policy
import rego.v1
default allow := false

allow if {
	data.plugin == "resource"
	every name, submodule in input.submods {
		submodule["ear.status"] == "affirming"
	}
}
