import Encodings
import RATS

/// What the platform's token says.
package struct CCAPlatformClaims: Sendable, Hashable {
    /// A part of the firmware.
    package struct Component: Sendable, Hashable {
        package let type: String?
        package let measurement: [UInt8]
        package let version: String?
        package let signerID: [UInt8]
        package let hash: String?
    }

    /// The hash of the realm's key.
    package let challenge: [UInt8]
    package let profile: String
    /// Which machine: 33 bytes, the first of which is 1.
    package let instanceID: [UInt8]
    /// Which make of machine, 32 bytes.
    package let implementationID: [UInt8]
    package let configuration: [UInt8]
    package let lifecycle: UInt16
    package let components: [Component]
    package let serviceIndicator: String?
    package let hash: CCAHash

    /// The profiles that are known: of the first release, and of the current one.
    static let profiles = ["http://arm.com/CCA-SSD/1.0.0", "tag:arm.com,2023:cca_platform#1.0.0"]
    /// The states in which neither machine nor firmware can be debugged.
    static let secured: ClosedRange<UInt16> = 0x3000...0x30ff

    private static let maximumComponents = 64

    init(_ reader: CCAClaimReader) throws(VerificationError) {
        profile = try Self.profile(reader)
        challenge = try reader.bytes(10, "challenge", CCAClaimReader.digestSizes)
        instanceID = try reader.bytes(256, "instance identifier", [33])
        guard instanceID.first == 1 else { throw reader.malformed("Its instance identifier is of another type.") }
        implementationID = try reader.bytes(2396, "implementation identifier", [32])
        configuration = try reader.bytes(2401, "configuration", atMost: 4096)
        guard let lifecycle = reader.map[2395]?.uintValue.flatMap({ UInt16(exactly: $0) }) else {
            throw reader.malformed("It has no life-cycle state.")
        }
        self.lifecycle = lifecycle
        components = try Self.components(reader)
        serviceIndicator = try reader.optionalText(2400, "verification service")
        hash = try reader.hash(2402, "hash algorithm")
    }

    private static func profile(_ reader: CCAClaimReader) throws(VerificationError) -> String {
        let profile = try reader.text(265, "profile")
        guard profiles.contains(where: { $0.utf8.elementsEqual(profile.utf8) }) else {
            throw .unsupportedVersion("The platform token follows a profile that is not known.")
        }
        return profile
    }

    private static func components(_ reader: CCAClaimReader) throws(VerificationError) -> [Component] {
        guard let items = reader.map[2399]?.arrayValue, (1...maximumComponents).contains(items.count) else {
            throw reader.malformed("It lists no software components, or too many.")
        }
        var components: [Component] = []
        for item in items {
            guard let map = item.mapValue else { throw reader.malformed("A software component is no map.") }
            let part = CCAClaimReader(map, reader.name)
            components.append(
                Component(
                    type: try part.optionalText(1, "component type"),
                    measurement: try part.bytes(2, "component's measurement", CCAClaimReader.digestSizes),
                    version: try part.optionalText(4, "component's version"),
                    signerID: try part.bytes(5, "component's signer", CCAClaimReader.digestSizes),
                    hash: try part.optionalText(6, "component's hash algorithm")))
        }
        return components
    }
}
