import RATS
import SwiftASN1

/// What Intel's certificate of a platform's key (PCK) says of the platform: the extension 1.2.840.113741.1.13.1.
package struct PCKExtension: Sendable, Hashable {
    /// How the platform protects the memory of enclaves.
    package enum MemoryProtection: Int, Sendable {
        /// Encrypted, changes are detected (client platforms).
        case standard
        /// Encrypted, changes are not detected.
        case scalable
        /// Encrypted, changes are detected.
        case scalableWithIntegrity
    }

    /// What the certificates of the Platform CA say besides.
    package struct Configuration: Sendable, Hashable {
        /// Whether processor packages can be added.
        package let isDynamic: Bool?
        /// Whether Intel keeps the platform's root keys.
        package let hasCachedKeys: Bool?
        /// Whether hyper-threading was on when the platform was registered.
        package let hasHyperThreading: Bool?
    }

    /// The identifier of the processor package for provisioning, 16 bytes.
    package let platformProviderID: [UInt8]
    /// The security versions of the platform's 16 components.
    package let componentSVNs: [UInt8]
    /// The security version of the provisioning certification enclave.
    package let pceSVN: UInt16
    /// The processor's raw security version, 16 bytes.
    package let cpuSVN: [UInt8]
    /// The provisioning certification enclave, 2 bytes.
    package let pceID: [UInt8]
    /// The family of platforms that a TCB info is for, 6 bytes.
    package let fmspc: [UInt8]
    /// How enclave memory is protected.
    package let memoryProtection: MemoryProtection
    /// The identifier of this installation of the platform, 16 bytes; only from the Platform CA.
    package let platformInstanceID: [UInt8]?
    /// Switches of the platform; only from the Platform CA.
    package let configuration: Configuration?

    /// The identifier of the extension.
    static let identifier = "1.2.840.113741.1.13.1"

    /// Reads the content of the extension, DER. Members that are not known here are passed over.
    ///
    /// Throws `malformed_evidence`.
    package init(der: [UInt8]) throws(VerificationError) {
        let root = try PCKMembers(der: der)
        let tcb = try root.members(2)
        platformProviderID = try root.octets(1, count: 16)
        componentSVNs = try (1...16).map { (index) throws(VerificationError) in try tcb.integer(UInt8(index)) }
        pceSVN = try tcb.integer(17)
        cpuSVN = try tcb.octets(18, count: 16)
        pceID = try root.octets(3, count: 2)
        fmspc = try root.octets(4, count: 6)
        guard let protection = MemoryProtection(rawValue: try root.enumerated(5)) else {
            throw PCKMembers.malformed("its type of SGX is unknown")
        }
        memoryProtection = protection
        platformInstanceID = root.has(6) ? try root.octets(6, count: 16) : nil
        configuration = root.has(7) ? try Configuration(root.members(7)) : nil
    }
}
