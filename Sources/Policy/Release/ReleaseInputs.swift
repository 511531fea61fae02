import CEL
import Encodings
import FoundationEssentials
import RATS

/// The variables of release expressions for one request, each built when it is first asked for.
final class ReleaseInputs {
    private let request: ReleaseRequest
    private let primary: Appraisal
    private var built: [String: CELValue] = [:]

    init(_ request: ReleaseRequest, primary: Appraisal) {
        self.request = request
        self.primary = primary
    }

    /// The variables with these names; names of other scopes are left out.
    func variables(_ names: some Sequence<String>) -> [String: CELValue] {
        var result: [String: CELValue] = [:]
        for name in names {
            guard let value = built[name] ?? make(name) else { continue }
            built[name] = value
            result[name] = value
        }
        return result
    }

    private func make(_ name: String) -> CELValue? {
        switch name {
        case "tee": .string(primary.tee.rawValue)
        case "status": .string(primary.status.rawValue)
        case "trust": Self.trust(primary.vector)
        case "claims": CELValue(.object(primary.annotatedEvidence))
        case "submods": submods
        case "request": requestValue
        case "attestation": attestation
        case "now": CELValue(time: request.now)
        default: nil
        }
    }

    private static func trust(_ vector: TrustVector) -> CELValue {
        CELValue(.object(vector.json()))
    }

    private var submods: CELValue {
        var map = CELMap()
        for appraisal in request.attestation.appraisals {
            map.insert(
                [
                    "status": .string(appraisal.status.rawValue), "trust": Self.trust(appraisal.vector),
                    "claims": CELValue(.object(appraisal.annotatedEvidence)), "tee": .string(appraisal.tee.rawValue),
                    "class": .string(appraisal.deviceClass.rawValue),
                ], for: .string(appraisal.name))
        }
        return .map(map)
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
