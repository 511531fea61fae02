public import Encodings

/// The aspects of an attester that an appraisal grades (AR4SI trustworthiness claims, draft-ietf-rats-ar4si).
public enum TrustClaim: String, Sendable, CaseIterable, Hashable, Codable {
    /// Which instance it is.
    case instanceIdentity = "instance-identity"
    /// How it is configured.
    case configuration
    /// What code runs.
    case executables
    /// What is in its file system.
    case fileSystem = "file-system"
    /// Whether the hardware is genuine and up to date.
    case hardware
    /// Whether memory is opaque to others.
    case runtimeOpaque = "runtime-opaque"
    /// Whether storage is opaque to others.
    case storageOpaque = "storage-opaque"
    /// Whether external data was appraised.
    case sourcedData = "sourced-data"
}

/// The four grades of AR4SI, from "says nothing" to "do not trust", in the order used to find the worst.
public enum TrustTier: String, Sendable, CaseIterable, Hashable, Codable, Comparable {
    /// No claim is made (values −1 to 1).
    case none
    /// The attester is as it should be (values −32 to 31 outside `none`).
    case affirming
    /// Something needs attention (values −96 to 95 outside the better tiers).
    case warning
    /// The attester must not be trusted (all other values).
    case contraindicated

    /// The tier of one trustworthiness value.
    public init(value: Int8) {
        switch value {
        case -1...1: self = .none
        case -32...31: self = .affirming
        case -96...95: self = .warning
        default: self = .contraindicated
        }
    }

    private var rank: Int {
        switch self {
        case .none: 0
        case .affirming: 1
        case .warning: 2
        case .contraindicated: 3
        }
    }

    /// Whether `left` is better than `right`.
    public static func < (left: TrustTier, right: TrustTier) -> Bool {
        left.rank < right.rank
    }
}

/// The grades of one appraisal (AR4SI trustworthiness vector); claims that were not graded are absent.
public struct TrustVector: Sendable, Hashable {
    private var values: [TrustClaim: Int8]

    /// A vector with these values.
    public init(_ values: [TrustClaim: Int8] = [:]) {
        self.values = values
    }

    /// The value of a claim, or `nil` when it was not graded.
    public subscript(claim: TrustClaim) -> Int8? {
        get { values[claim] }
        set { values[claim] = newValue }
    }

    /// Whether nothing was graded.
    public var isEmpty: Bool { values.isEmpty }

    /// The tier of one claim; a claim that was not graded is ``TrustTier/none``.
    public func tier(of claim: TrustClaim) -> TrustTier {
        TrustTier(value: values[claim] ?? 0)
    }

    /// The worst tier of all graded claims.
    public var status: TrustTier {
        values.values.map(TrustTier.init(value:)).max() ?? .none
    }

    /// The member `ear.trustworthiness-vector`: graded claims in the order of AR4SI.
    public func json() -> JSONObject {
        var object = JSONObject()
        for claim in TrustClaim.allCases {
            if let value = values[claim] { object[claim.rawValue] = .int(Int64(value)) }
        }
        return object
    }

    /// Reads `ear.trustworthiness-vector`.
    ///
    /// Throws `invalid_trust_vector` for an unknown claim and for a value that is no integer of −128 to 127.
    public init(json: JSONObject) throws(AttestationResultError) {
        values = [:]
        for (name, value) in json {
            guard let claim = TrustClaim(rawValue: name) else {
                throw AttestationResultError(
                    code: "invalid_trust_vector", message: "The trustworthiness vector has an unknown claim.")
            }
            guard case .int(let number) = value, let grade = Int8(exactly: number) else {
                throw AttestationResultError(
                    code: "invalid_trust_vector", message: "The grade of \(claim.rawValue) is no 8-bit integer.")
            }
            values[claim] = grade
        }
    }
}
