import Encodings
import Policy

/// Something in a policy that can come out one way or the other.
public struct CoveredCondition: Sendable, Hashable {
    /// The field, such as `spec.validations[0]`.
    public let path: String
    /// Line of the source.
    public let line: Int
    /// What it says.
    public let text: String
    /// Whether it can fail at all: a rule that always holds, or a policy without conditions, can only be reached.
    public let canFail: Bool
    /// How often it was true.
    public internal(set) var met = 0
    /// How often it was false.
    public internal(set) var notMet = 0
    /// How often it could not be evaluated.
    public internal(set) var failed = 0

    /// How many ways it can come out.
    public var outcomes: Int { canFail ? 2 : 1 }

    /// How many of them were seen.
    public var seenOutcomes: Int { (met > 0 ? 1 : 0) + (canFail && notMet + failed > 0 ? 1 : 0) }

    /// What the cases never showed, in words; nothing when they showed all.
    public var gap: String? {
        if met + notMet + failed == 0 { return canFail ? "never evaluated" : "never reached" }
        if met == 0 { return "never true" }
        return seenOutcomes < outcomes ? "never false" : nil
    }
}

extension PolicyDocument {
    /// Every condition of the document; found in its content, so that conditions of any field are among them.
    var conditions: [CoveredCondition] {
        let places = DocumentPlaces(self)
        func condition(_ path: String, _ text: String, canFail: Bool = true) -> CoveredCondition {
            CoveredCondition(path: path, line: places.place(of: path).line, text: text, canFail: canFail)
        }
        let spec = content["spec"] ?? .null
        switch kind {
        case .releasePolicy, .clusterReleasePolicy:
            let all = spec.requirements.map { condition($0.path, $0.text) } + spec.validations.map { condition($0, $1) }
            return all.isEmpty ? [condition("spec", "matches the request", canFail: false)] : all
        case .appraisalPolicy:
            return spec.rules.flatMap { path, texts in
                texts.isEmpty
                    ? [condition(path, "always holds", canFail: false)]
                    : texts.enumerated().map { condition("\(path).when[\($0)]", $1) }
            }
        default: return []
        }
    }
}

extension JSONValue {
    /// What a release policy asks for in fields of their own; grades, posture and limits one by one.
    fileprivate var requirements: [(path: String, text: String)] {
        let require = (self["require"]?.objectValue ?? [:]).flatMap { name, value in
            value.parts(named: name, at: "spec.require.\(name)", isSplit: ["trust", "posture"].contains(name))
        }
        let schedule = self["schedule"].map { $0.parts(named: "schedule", at: "spec.schedule", isSplit: false) } ?? []
        // What else stands there says how the limits are counted.
        let limits = (self["limits"]?.objectValue ?? [:]).filter { Self.limits.contains($0.name) }.flatMap {
            name, value in
            value.parts(named: name, at: "spec.limits.\(name)", isSplit: false)
        }
        return schedule + require + limits
    }

    private static let limits: Set = ["maxReleases", "oncePer", "concurrentHolders", "approvals"]

    private func parts(named name: String, at path: String, isSplit: Bool) -> [(path: String, text: String)] {
        guard isSplit, let members = objectValue else { return [(path, "\(name): \(serializedString())")] }
        return members.map {
            ("\(path).\($0.name)", "\($0.name): \($0.value.stringValue ?? $0.value.serializedString())")
        }
    }

    fileprivate var validations: [(path: String, text: String)] {
        (self["validations"]?.arrayValue ?? []).enumerated().map { index, value in
            ("spec.validations[\(index)]", value["expression"]?.stringValue ?? "")
        }
    }

    fileprivate var rules: [(path: String, texts: [String])] {
        (self["rules"]?.arrayValue ?? []).enumerated().map { index, rule in
            ("spec.rules[\(index)]", (rule["when"]?.arrayValue ?? []).compactMap(\.stringValue))
        }
    }
}
