import Encodings

/// One claim of a family, or one member of a claim, with the way to it.
public struct ClaimRow: Sendable {
    /// How it is written after the name of what holds it: `quote.body.mr_td`, `['ueid']`; `[]` stands for any element.
    public let path: String
    /// The claim.
    public let claim: Claim

    /// The claim for programs: path, type, presence, meaning, example and source.
    public func json() -> JSONValue {
        [
            "path": .string(path), "type": .string(claim.type.summary), "presence": .string(claim.presence.rawValue),
            "meaning": .string(claim.meaning), "example": claim.example, "source": .string(claim.source),
        ]
    }

    /// The example in one line, shortened.
    public var shortExample: String {
        let text = claim.example.stringValue ?? claim.example.serializedString()
        return text.count <= 40 ? text : text.prefix(37) + "..."
    }

    /// Whether `text` occurs in the path, the meaning or the source, in whatever case.
    public func mentions(_ text: String) -> Bool {
        let wanted = text.lowercased()
        return [path, claim.meaning, claim.source].contains { $0.lowercased().contains(wanted) }
    }
}

extension [Claim] {
    /// The claims and all members below them, each after what holds it.
    public var rows: [ClaimRow] { rows(after: "") }

    /// The same with paths that begin with `prefix`, such as `claims`.
    public func rows(after prefix: String) -> [ClaimRow] {
        flatMap { claim -> [ClaimRow] in
            let path = ClaimPath.text(claim.name, after: prefix)
            return [ClaimRow(path: path, claim: claim)]
                + claim.type.members.rows(after: path + claim.type.elementSuffix)
        }
    }
}

extension ClaimType {
    /// What leads from a list or map to its elements.
    fileprivate var elementSuffix: String {
        switch self {
        case .list, .map: "[]"
        default: ""
        }
    }
}

extension ClaimFamily {
    /// How the claims are reached in a release policy, such as `claims['az-snp-vtpm']`.
    public var expression: String { ClaimPath.text(["claims", tee.rawValue]) }

    /// The family for programs.
    public func json(_ rows: [ClaimRow]) -> JSONValue {
        [
            "tee": .string(tee.rawValue), "title": .string(title), "about": .string(about),
            "expression": .string(expression), "claims": .array(rows.map { $0.json() }),
        ]
    }
}
