import Encodings
import FoundationEssentials
public import RATS
import X509Trust

/// Judges AMD's collateral before it is kept: certificates of chips (`amd/vcek/…`) and revocation lists (`amd/crl/…`).
public struct SNPCollateralInspector: CollateralInspector {
    private let anchors: SNPTrustAnchors

    /// An inspector that believes these authorities.
    public init(anchors: SNPTrustAnchors = .amd) {
        self.anchors = anchors
    }

    /// Verifies that a chip's certificate leads to the pinned root of its product and is the one that the name stands
    /// for, or that the root signed a revocation list.
    ///
    /// Throws `collateral_unknown` for a name that is not AMD's, `collateral_invalid` for an item that is not what its
    /// name says.
    public func inspect(
        _ item: CollateralItem, named name: CollateralName
    ) throws(CollateralError) -> CollateralValidity {
        let segments = name.segments
        guard segments.count >= 4, segments[0] == "amd",
            let product = anchors.products.first(where: { $0.collateralName == segments[2] }),
            let authorities = anchors[product]
        else { throw .unknown(name) }
        do throws(X509Error) {
            switch segments[1] {
            case "vcek": return try inspectKey(item.body, named: name, product: product, authorities: authorities)
            case "crl" where CollateralName.AMDEndorsementKeyKind(rawValue: segments[3]) != nil && segments.count == 4:
                return try inspectList(item.body, authorities: authorities)
            default: throw .unknownName
            }
        } catch {
            guard error != .unknownName else { throw .unknown(name) }
            throw CollateralError(
                code: "collateral_invalid", message: "\(name) is not what it should be. \(error.message)")
        }
    }

    private func inspectKey(
        _ der: [UInt8], named name: CollateralName, product: SNPProduct, authorities: SNPTrustAnchors.Authorities
    ) throws(X509Error) -> CollateralValidity {
        let key = try SNPEndorsementKey(Certificate(der: der))
        let path = [key.certificate, authorities.chipAuthority, authorities.root.certificate]
        // Whether the certificate is current is asked when it is used; it must have been valid at its beginning.
        let issued = path.map(\.notBefore).max() ?? key.certificate.notBefore
        _ = try CertificateChain.verify(path: path, anchors: [authorities.root], at: issued)
        guard let hardwareID = key.hardwareID, product.isNamed(key.productName),
            name
                == CollateralName.amdVCEK(
                    product: product.collateralName, hardwareID: hardwareID, levels: key.levels.collateralLevels)
        else { throw .notAnEndorsementKey("it is another chip's, or that of other firmware") }
        return CollateralValidity(issued: key.certificate.notBefore, nextUpdate: nil, sequence: nil)
    }

    private func inspectList(
        _ der: [UInt8], authorities: SNPTrustAnchors.Authorities
    ) throws(X509Error) -> CollateralValidity {
        let list = try RevocationList(der: der)
        try list.verify(issuer: authorities.root.certificate)
        let digits = list.number ?? []
        guard digits.count <= 8 else {
            throw X509Error(code: "malformed_crl", message: "Its number has more than 8 bytes.")
        }
        return CollateralValidity(
            issued: list.thisUpdate, nextUpdate: list.nextUpdate,
            sequence: list.number == nil ? nil : digits.reduce(0) { $0 << 8 | UInt64($1) })
    }
}

extension X509Error {
    fileprivate static let unknownName = X509Error(code: "unknown_name", message: "")
}

extension CollateralError {
    fileprivate static func unknown(_ name: CollateralName) -> CollateralError {
        CollateralError(code: "collateral_unknown", message: "AMD has no collateral of the name \(name).")
    }
}
