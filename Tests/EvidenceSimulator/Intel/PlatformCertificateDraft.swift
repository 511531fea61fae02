import Foundation
import RATS
import X509TestSupport

/// What the certificate of a platform's key (PCK) is to say.
package struct PlatformCertificateDraft: Sendable {
    /// The authority over the platform.
    package var authority = CollateralName.IntelPCKAuthority.platform
    /// The subject's common name.
    package var subject = "Intel SGX PCK Certificate"
    /// The serial number, big-endian.
    package var serialNumber: [UInt8] = [0x51]
    /// The family of platforms, 6 bytes.
    package var fmspc: [UInt8] = [0x00, 0x80, 0x6F, 0x05, 0x00, 0x00]
    /// The provisioning certification enclave, 2 bytes.
    package var pceID: [UInt8] = [0, 0]
    /// The security version of the provisioning certification enclave.
    package var pceSVN = 13
    /// The security versions of the 16 components.
    package var componentSVNs: [UInt8] = padded([7, 7, 2, 2, 3, 1, 0, 5], to: 16)
    /// The identifier of the processor package, 16 bytes.
    package var platformProviderID = [UInt8](repeating: 0xBB, count: 16)
    /// How enclave memory is protected: 0, 1 or 2.
    package var memoryProtection: UInt8 = 1
    /// The identifier of this installation, 16 bytes.
    package var platformInstanceID = [UInt8](repeating: 0xCC, count: 16)
    /// The first moment of validity; a month before the simulation's moment unless given.
    package var notBefore: Date?
    /// The last moment of validity; a year after the simulation's moment unless given.
    package var notAfter: Date?

    /// A platform that nothing is wrong with.
    package init() {}

    /// Intel's extension.
    var sgxExtension: TestExtension {
        let root = "1.2.840.113741.1.13.1"
        func member(_ arcs: String, _ value: [UInt8]) -> [UInt8] {
            ASN1.sequence(ASN1.objectIdentifier("\(root).\(arcs)"), value)
        }
        var tcb = componentSVNs.enumerated().map { member("2.\($0.offset + 1)", ASN1.integer(Int($0.element))) }
        tcb.append(member("2.17", ASN1.integer(pceSVN)))
        tcb.append(member("2.18", ASN1.octetString(componentSVNs)))
        var members = [
            member("1", ASN1.octetString(platformProviderID)), member("2", ASN1.element(0x30, Array(tcb.joined()))),
            member("3", ASN1.octetString(pceID)), member("4", ASN1.octetString(fmspc)),
            member("5", ASN1.element(0x0A, [memoryProtection])),
        ]
        if authority == .platform {
            let switches = (1...3).map { member("7.\($0)", ASN1.element(0x01, [0xFF])) }
            members.append(member("6", ASN1.octetString(platformInstanceID)))
            members.append(member("7", ASN1.element(0x30, Array(switches.joined()))))
        }
        return TestExtension(root, value: ASN1.element(0x30, Array(members.joined())))
    }
}
