package policy

default allow = false

known = {"research", "payments"}

kinds = ["snp", "tdx"]

allow = true {
    repository := split(concat("/", data["resource-path"]), "/")[0]
    known[_] == repository
    some tee in kinds
    evidence := input.submods.cpu0["ear.veraison.annotated-evidence"]
    evidence[tee]
    input.submods.cpu0["ear.status"] != "contraindicated"
}
