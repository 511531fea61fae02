import CEL
import FoundationEssentials

/// The variables of release expressions for one request; those of the request itself are built when first asked for.
final class ReleaseInputs {
    private let request: ReleaseRequest
    private var built: [String: CELValue] = [:]

    init(_ request: ReleaseRequest) {
        self.request = request
    }

    /// The variables with these names; names of other scopes are left out.
    func variables(_ names: some Sequence<String>) -> [String: CELValue] {
        var result: [String: CELValue] = [:]
        for name in names {
            if let value = request.subject.variables[name] ?? built[name] {
                result[name] = value
            } else if let value = make(name) {
                built[name] = value
                result[name] = value
            }
        }
        return result
    }

    private func make(_ name: String) -> CELValue? {
        switch name {
        case "request": requestValue
        case "attestation": attestation
        case "now": CELValue(time: request.now)
        default: nil
        }
    }

    private var requestValue: CELValue {
        var query = CELMap()
        for (name, value) in request.query.sorted(by: { $0.key < $1.key }) {
            query.insert(.string(value), for: .string(name))
        }
        return [
            "operation": .string(request.operation), "plugin": .string(request.plugin),
            "path": .list(request.path.map(CELValue.string)), "query": .map(query),
            "tenant": .string(request.tenant), "resource": .string(request.path.joined(separator: "/")),
        ]
    }

    private var attestation: CELValue {
        var map = CELMap()
        map.insert(.string(request.attestation.issuer), for: "issuer")
        // Any comparison with an upper bound would call a result from the future fresh: it has no age.
        if request.evidenceAge >= -RequirementEvaluation.clockTolerance {
            let age = request.evidenceAge.clamped(to: 0...9e9)
            map.insert(.duration(CELDuration(nanoseconds: Int64(age * 1e9))), for: "age")
        }
        if let version = request.attestation.protocolVersion { map.insert(.string(version), for: "protocol") }
        return .map(map)
    }
}
