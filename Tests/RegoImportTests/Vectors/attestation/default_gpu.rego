package policy

import rego.v1

default executables := 33

default hardware := 97

default configuration := 36

trust_claims := {"executables": executables, "hardware": hardware, "configuration": configuration}

chain := "x-nvidia-gpu-attestation-report-cert-chain"

hardware := 2 if {
	input.nvidia[chain]["x-nvidia-cert-ocsp-status"] == "good"
	input.nvidia[chain]["x-nvidia-cert-status"] == "valid"
	input.nvidia["x-nvidia-gpu-attestation-report-parsed"]
	input.nvidia["x-nvidia-gpu-arch-check"]
}

configuration := 2 if {
	input.nvidia.secboot
	input.nvidia.dbgstat == "disabled"
	input.nvidia["x-nvidia-gpu-vbios-version"] in query_reference_value("allowed_vbios_versions")
} else := 3 if {
	input.nvidia.secboot
	input.nvidia.dbgstat == "disabled"
}

executables := 3 if {
	input.nvidia.measres == "success"
}
