import Foundation
import Verification
import X509TestSupport
import X509Trust

/// A stand-in for AMD: authorities over one product that look like AMD's in everything but their keys.
package struct SimulatedAMD: Sendable {
    /// Whose keys the authorities have.
    package enum Keys: Sendable {
        /// The simulator's.
        case genuine
        /// Those of somebody who copied all names and numbers.
        case impostor
    }

    /// The product.
    package let product: SNPProduct
    /// The moment at which everything is valid unless it is made otherwise.
    package let now: Date
    /// The root (ARK).
    package let root: TestIssuer
    /// Issues the certificates of chips (ASK).
    package let chipAuthority: TestIssuer
    /// Issues the certificates of providers (ASVK).
    package let providerAuthority: TestIssuer

    /// Authorities that were made a year before `now` and last nine years more.
    ///
    /// `changeIssuer` makes both intermediates others than they should be.
    package init(
        _ product: SNPProduct, at now: Date, keys: Keys = .genuine,
        changingIssuers changeIssuer: (inout CertificateDraft) -> Void = { _ in }
    ) throws {
        self.product = product
        self.now = now
        let start = now.addingTimeInterval(-365 * 86_400)
        let isGenuine = keys == .genuine
        root = try TestIssuer.root(
            Self.name("ARK-\(product.rawValue)"), key: isGenuine ? SlowKey.root : SlowKey.impostor,
            algorithm: Self.algorithm, from: start
        ) { $0.serialNumber = [1, 0, 0] }
        chipAuthority = try root.authority(
            Self.name("SEV-\(product.rawValue)"), key: isGenuine ? SlowKey.chipAuthority : SlowKey.impostor,
            algorithm: Self.algorithm, from: start
        ) {
            $0.serialNumber = [1, 0, 1]
            changeIssuer(&$0)
        }
        providerAuthority = try root.authority(
            Self.name("SEV-VLEK-\(product.rawValue)"),
            key: isGenuine ? SlowKey.providerAuthority : SlowKey.impostor, algorithm: Self.algorithm, from: start
        ) {
            $0.serialNumber = [1, 0, 2]
            changeIssuer(&$0)
        }
    }

    /// What a verifier that trusts these authorities must know.
    package var authorities: SNPTrustAnchors.Authorities {
        SNPTrustAnchors.Authorities(
            root: PinnedAnchor(name: "simulated ARK-\(product.rawValue)", certificate: root.certificate),
            chipAuthority: chipAuthority.certificate, providerAuthority: providerAuthority.certificate)
    }

    /// Trusts these authorities for this product and nobody for others.
    package var anchors: SNPTrustAnchors { SNPTrustAnchors([product: authorities]) }

    /// The issuer of keys of this kind.
    package func issuer(of kind: SNPEndorsementKeyKind) -> TestIssuer {
        switch kind {
        case .vcek: chipAuthority
        case .vlek: providerAuthority
        }
    }

    /// A name as AMD's certificates have it.
    static func name(_ commonName: String) -> TestName {
        TestName([
            ("OU", "Engineering"), ("C", "US"), ("L", "Santa Clara"), ("ST", "CA"), ("O", "Advanced Micro Devices"),
            ("CN", commonName),
        ])
    }

    private static let algorithm = SignatureAlgorithm.rsaPSS(.sha384)
}
