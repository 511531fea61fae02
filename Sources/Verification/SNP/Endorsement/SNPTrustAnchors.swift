import RATS
public import X509Trust

/// The authorities whose endorsement keys are believed, by product. What a guest sends of roots and intermediates counts
/// for nothing.
public struct SNPTrustAnchors: Sendable, Hashable {
    /// AMD's authorities over one product.
    public struct Authorities: Sendable, Hashable {
        /// The root (ARK), trusted as it is.
        public let root: PinnedAnchor
        /// Issues the certificates of chips (ASK).
        public let chipAuthority: Certificate
        /// Issues the certificates of providers (ASVK).
        public let providerAuthority: Certificate

        /// The authorities with these certificates.
        public init(root: PinnedAnchor, chipAuthority: Certificate, providerAuthority: Certificate) {
            self.root = root
            self.chipAuthority = chipAuthority
            self.providerAuthority = providerAuthority
        }

        /// The issuer of the keys of this kind.
        func issuer(of kind: SNPEndorsementKeyKind) -> Certificate {
            switch kind {
            case .vcek: chipAuthority
            case .vlek: providerAuthority
            }
        }
    }

    private let authorities: [SNPProduct: Authorities]

    /// Anchors of these products and no others.
    public init(_ authorities: [SNPProduct: Authorities]) {
        self.authorities = authorities
    }

    /// The authorities of a product, or `nil` when none is trusted.
    public subscript(product: SNPProduct) -> Authorities? { authorities[product] }

    /// The products whose authorities are trusted.
    public var products: Set<SNPProduct> { Set(authorities.keys) }
}

extension SNPTrustAnchors {
    /// AMD's own authorities: Milan, Genoa and Turin.
    ///
    /// They come with the program, and each must have the fingerprint that is written here; a product where one has not
    /// is not trusted.
    public static let amd = SNPTrustAnchors(
        Dictionary(uniqueKeysWithValues: pinned.compactMap { pin in pin.authorities.map { (pin.product, $0) } }))

    private struct Pin {
        let product: SNPProduct
        let certificates: (ark: [UInt8], ask: [UInt8], asvk: [UInt8])
        /// SHA-256 of the certificates.
        let fingerprints: (ark: String, ask: String, asvk: String)

        var authorities: Authorities? {
            guard let root = pinned(certificates.ark, fingerprints.ark),
                let ask = pinned(certificates.ask, fingerprints.ask),
                let asvk = pinned(certificates.asvk, fingerprints.asvk)
            else { return nil }
            return Authorities(root: root, chipAuthority: ask.certificate, providerAuthority: asvk.certificate)
        }

        private func pinned(_ der: [UInt8], _ fingerprint: String) -> PinnedAnchor? {
            guard let certificate = try? Certificate(der: der) else { return nil }
            let name = certificate.subjectCommonName ?? product.rawValue
            return try? PinnedAnchor(name: name, certificate: certificate, fingerprint: fingerprint)
        }
    }

    private static let pinned = [
        Pin(
            product: .milan,
            certificates: (
                PackageResources.amd_milan_ark_der, PackageResources.amd_milan_ask_der,
                PackageResources.amd_milan_asvk_der
            ),
            fingerprints: (
                "69d063b45344d26a2e94e1f4210de49ef555308287d4c174445c95639a540bcd",
                "67d303bd3905fd38db8b20e0793699870e7fa612eaad5dec358293fd8c0bac1b",
                "c5e081f59b7efab1fe2f8b505e159704e72f29cab7ef7cf628a05a42439082f5"
            )),
        Pin(
            product: .genoa,
            certificates: (
                PackageResources.amd_genoa_ark_der, PackageResources.amd_genoa_ask_der,
                PackageResources.amd_genoa_asvk_der
            ),
            fingerprints: (
                "4c6598d19c18719c5dfd4a7d335f674e5bfe1d8f800cea2cf270c10d103db2f1",
                "5464738c1546aed5f2cecf1dc98c5c960a92e8913238a61711bc90ec6e828521",
                "197e610743a917d6b9bb982a5a9226ccc0a15b611be0619e626aca9151457372"
            )),
        Pin(
            product: .turin,
            certificates: (
                PackageResources.amd_turin_ark_der, PackageResources.amd_turin_ask_der,
                PackageResources.amd_turin_asvk_der
            ),
            fingerprints: (
                "1f084161a44bb6d93778a904877d4819cafa5d05ef4193b2ded9dd9c73dd3f6a",
                "5b77ef5fe7a7a004fd9032668fba9d0fda22f88c4442069a479636a6ae3b3185",
                "104e10a8bd060a3c20a434261a57d0588fd65a88915b4f65b08bdecaf8df1a3c"
            )),
    ]
}
