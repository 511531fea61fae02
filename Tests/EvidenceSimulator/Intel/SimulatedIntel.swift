import Foundation
import RATS
import X509TestSupport
import X509Trust

/// A stand-in for Intel: authorities that look like Intel's in everything but their keys.
package struct SimulatedIntel: Sendable {
    /// The moment at which everything is valid unless it is made otherwise.
    package let now: Date
    /// The root (SGX Root CA).
    package let root: TestIssuer
    /// Issues the certificates of platforms with one processor package.
    package let processorAuthority: TestIssuer
    /// Issues the certificates of platforms with several.
    package let platformAuthority: TestIssuer
    /// Signs TCB infos and identities of quoting enclaves.
    package let documentSigner: TestIssuer

    /// Authorities that were made a year before `now` and last nine years more.
    package init(at now: Date) throws {
        self.now = now
        let start = now.addingTimeInterval(-365 * 86_400)
        let root = try TestIssuer.root(Self.name("Intel SGX Root CA"), key: .generate(.ec(.p256)), from: start) {
            $0.serialNumber = [0x22]
            $0.extensions = TestExtension.authority(pathLength: 1)
        }
        func authority(_ name: String, serialNumber: UInt8) throws -> TestIssuer {
            try root.authority(Self.name(name), key: .generate(.ec(.p256)), from: start) {
                $0.serialNumber = [serialNumber]
                $0.extensions = TestExtension.authority(pathLength: 0)
            }
        }
        self.root = root
        processorAuthority = try authority("Intel SGX PCK Processor CA", serialNumber: 0x23)
        platformAuthority = try authority("Intel SGX PCK Platform CA", serialNumber: 0x24)
        documentSigner = try root.authority(
            Self.name("Intel SGX TCB Signing"), key: .generate(.ec(.p256)), from: start
        ) {
            $0.serialNumber = [0x25]
            $0.extensions = [.basicConstraints(isAuthority: false), .keyUsage(.digitalSignature)]
        }
    }

    /// Trusts these authorities and nobody else.
    package var anchors: [PinnedAnchor] {
        [PinnedAnchor(name: "simulated Intel SGX Root CA", certificate: root.certificate)]
    }

    /// The issuer of the platforms of this authority.
    package func issuer(of authority: CollateralName.IntelPCKAuthority) -> TestIssuer {
        switch authority {
        case .processor: processorAuthority
        case .platform: platformAuthority
        }
    }

    /// A name as Intel's certificates have it.
    static func name(_ commonName: String) -> TestName {
        TestName([
            ("CN", commonName), ("O", "Intel Corporation"), ("L", "Santa Clara"), ("ST", "CA"), ("C", "US"),
        ])
    }
}
