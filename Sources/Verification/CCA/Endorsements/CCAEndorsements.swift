public import FoundationEssentials
public import X509Trust

/// What makers of CCA platforms say about their machines: the keys that sign for them, and the firmware that is good.
///
/// There is no authority over all of them, so that each maker's word must be brought in by the operator.
public struct CCAEndorsements: Sendable, Hashable {
    /// The key of one machine (CPAK).
    public struct TrustAnchor: Sendable, Hashable {
        /// Which make of machine, 32 bytes.
        public let implementationID: [UInt8]
        /// Which machine, 33 bytes.
        public let instanceID: [UInt8]
        /// The key that signs platform tokens.
        public let key: PublicKey
        /// When the endorsement counts; `nil` for ever.
        public let validity: ClosedRange<Date>?

        /// The key of a machine.
        public init(
            implementationID: [UInt8], instanceID: [UInt8], key: PublicKey, validity: ClosedRange<Date>? = nil
        ) {
            self.implementationID = implementationID
            self.instanceID = instanceID
            self.key = key
            self.validity = validity
        }
    }

    /// A part of good firmware. A machine's component is this one when all that is said here is the same there.
    public struct Component: Sendable, Hashable {
        /// Which part, such as `RMM`; `nil` for whatever part.
        public let type: String?
        /// Its version; `nil` for whatever version.
        public let version: String?
        /// The hash of the key that signed it; `nil` for whoever signed.
        public let signerID: [UInt8]?
        /// The measurements of which it may have any one.
        public let measurements: Set<[UInt8]>

        /// A component with one of these measurements.
        public init(type: String?, version: String? = nil, signerID: [UInt8]?, measurements: Set<[UInt8]>) {
            self.type = type
            self.version = version
            self.signerID = signerID
            self.measurements = measurements
        }
    }

    /// One release of a platform's firmware: all of its parts, and the settings that it may run with.
    public struct Release: Sendable, Hashable {
        /// Which make of machine, 32 bytes.
        public let implementationID: [UInt8]
        /// All parts of the firmware.
        public let components: [Component]
        /// The settings that are good; empty when nothing is said of them.
        public let configurations: Set<[UInt8]>
        /// When the endorsement counts; `nil` for ever.
        public let validity: ClosedRange<Date>?

        /// A release of these parts.
        public init(
            implementationID: [UInt8], components: [Component], configurations: Set<[UInt8]> = [],
            validity: ClosedRange<Date>? = nil
        ) {
            self.implementationID = implementationID
            self.components = components
            self.configurations = configurations
            self.validity = validity
        }
    }

    /// The keys of machines.
    public private(set) var anchors: [TrustAnchor]
    /// Good firmware.
    public private(set) var releases: [Release]

    /// These endorsements, none unless given.
    public init(anchors: [TrustAnchor] = [], releases: [Release] = []) {
        self.anchors = anchors
        self.releases = releases
    }

    /// Adds other endorsements to these.
    public mutating func merge(_ other: CCAEndorsements) {
        anchors += other.anchors
        releases += other.releases
    }

    /// The keys of a machine. Instance identifiers of two makers may be the same, so both identifiers must be.
    func keys(of claims: CCAPlatformClaims, at date: Date) -> [PublicKey] {
        anchors.filter {
            $0.implementationID == claims.implementationID && $0.instanceID == claims.instanceID
                && $0.validity?.contains(date) ?? true
        }.map(\.key)
    }

    /// The releases of a make of machine that count now.
    func releases(of claims: CCAPlatformClaims, at date: Date) -> [Release] {
        releases.filter {
            $0.implementationID == claims.implementationID && $0.validity?.contains(date) ?? true
        }
    }
}

extension CCAEndorsements.Release {
    /// Whether a machine runs this release: each of its components is one of the release's, no part of the release is
    /// missing, and its settings are good.
    func matches(_ claims: CCAPlatformClaims) -> Bool {
        guard configurations.isEmpty || configurations.contains(claims.configuration) else { return false }
        return claims.components.allSatisfy { found in components.contains { $0.matches(found) } }
            && components.allSatisfy { part in claims.components.contains(where: part.matches) }
    }
}

extension CCAEndorsements.Component {
    func matches(_ found: CCAPlatformClaims.Component) -> Bool {
        measurements.contains(found.measurement)
            && (type.map { CCAEndorsements.areEqual($0, found.type) } ?? true)
            && (version.map { CCAEndorsements.areEqual($0, found.version) } ?? true)
            && (signerID.map { $0 == found.signerID } ?? true)
    }
}

extension CCAEndorsements {
    /// Compares by code points: canonically equivalent names are still two names.
    fileprivate static func areEqual(_ left: String, _ right: String?) -> Bool {
        right.map { left.utf8.elementsEqual($0.utf8) } ?? false
    }
}
