import Crypto
import CryptoExtras
import Encodings
import Foundation
import RATS
import Testing
import X509Trust

@testable import Verification

/// A stand-in for AMD with keys of its own, so that reports can be signed that no processor would sign.
struct TestAMD {
    /// An authority: its certificate and key.
    struct Authority {
        let name: String
        let serial: Int
        let key: _RSA.Signing.PrivateKey
        let der: [UInt8]

        func sign(_ content: [UInt8]) throws -> [UInt8] {
            let digest = SHA384.hash(data: content)
            let signature = try key.signature(for: digest, padding: .PSS)
            return DERWriter.sequence(content, DERWriter.pss, DERWriter.bits(Array(signature.rawRepresentation)))
        }
    }

    /// A key that signs reports, and its certificate.
    struct EndorsementKey {
        let key: P384.Signing.PrivateKey
        let der: [UInt8]
        let kind: SNPEndorsementKeyKind
    }

    let product: SNPProduct
    let root: Authority
    let chipAuthority: Authority
    let providerAuthority: Authority
    /// Within the validity of everything.
    let now = Date(timeIntervalSince1970: 1_750_000_000)

    init(_ product: SNPProduct = .genoa, chipAuthoritySerial: Int = 0x20002) throws {
        self.product = product
        let rootKey = try _RSA.Signing.PrivateKey(keySize: .bits2048)
        let rootName = "ARK-\(product.rawValue)"
        let unsigned = Authority(name: rootName, serial: 0x20000, key: rootKey, der: [])
        root = try Self.authority(rootName, serial: 0x20000, key: rootKey, issuer: unsigned)
        chipAuthority = try Self.authority(
            "SEV-\(product.rawValue)", serial: chipAuthoritySerial, key: _RSA.Signing.PrivateKey(keySize: .bits2048),
            issuer: root)
        providerAuthority = try Self.authority(
            "SEV-VLEK-\(product.rawValue)", serial: 0x20101, key: _RSA.Signing.PrivateKey(keySize: .bits2048),
            issuer: root)
    }

    /// Trusts these authorities for this product and no others.
    var anchors: SNPTrustAnchors {
        get throws {
            let certificate = try Certificate(der: root.der)
            let anchor = PinnedAnchor(name: root.name, certificate: certificate)
            return SNPTrustAnchors([
                product: .init(
                    root: anchor, chipAuthority: try Certificate(der: chipAuthority.der),
                    providerAuthority: try Certificate(der: providerAuthority.der))
            ])
        }
    }

    static func authority(
        _ name: String, serial: Int, key: _RSA.Signing.PrivateKey, issuer: Authority, isAuthority: Bool = true
    ) throws -> Authority {
        var extensions: [UInt8] = []
        if isAuthority {
            extensions += DERWriter.certificateExtension(
                "2.5.29.19", DERWriter.sequence([0x01, 0x01, 0xFF]), isCritical: true)
            extensions += DERWriter.certificateExtension("2.5.29.15", [0x03, 0x02, 0x01, 0x06], isCritical: true)
        }
        let der = try issuer.sign(
            body(
                serial: serial, issuer: issuer.name, subject: name, from: Date(timeIntervalSince1970: 1_600_000_000),
                to: Date(timeIntervalSince1970: 2_500_000_000), publicKey: Array(key.publicKey.derRepresentation),
                extensions: extensions))
        return Authority(name: name, serial: serial, key: key, der: der)
    }

    private static func body(
        serial: Int, issuer: String, subject: String, from: Date, to: Date, publicKey: [UInt8], extensions: [UInt8]
    ) -> [UInt8] {
        DERWriter.sequence(
            DERWriter.explicit(0, DERWriter.integer(2)), DERWriter.integer(serial), DERWriter.pss,
            DERWriter.name(issuer), DERWriter.sequence(DERWriter.time(from), DERWriter.time(to)),
            DERWriter.name(subject), publicKey,
            extensions.isEmpty ? [] : DERWriter.explicit(3, DERWriter.sequence(extensions)))
    }

    /// Makes a key of this kind with AMD's extensions; `others` replaces their values by number.
    func endorsementKey(
        _ kind: SNPEndorsementKeyKind, hardwareID: [UInt8], levels: SNPTCBLevels, issuer: Authority? = nil,
        subject: String? = nil, validFor: ClosedRange<TimeInterval> = -86_400...86_400,
        replacing others: [String: [UInt8]?] = [:]
    ) throws -> EndorsementKey {
        var values: [String: [UInt8]] = [
            "1": DERWriter.integer(0), "2": DERWriter.ia5(product.rawValue),
            "3.1": DERWriter.integer(Int(levels.bootloader)), "3.2": DERWriter.integer(Int(levels.tee)),
            "3.3": DERWriter.integer(Int(levels.snp)), "3.8": DERWriter.integer(Int(levels.microcode)),
        ]
        if let fmc = levels.fmc { values["3.9"] = DERWriter.integer(Int(fmc)) }
        if kind == .vcek { values["4"] = hardwareID } else { values["5"] = DERWriter.ia5("CN=test.example") }
        for (number, value) in others { values[number] = value }
        let extensions = values.sorted { $0.key < $1.key }.flatMap {
            DERWriter.certificateExtension("1.3.6.1.4.1.3704.1.\($0.key)", $0.value)
        }
        let key = P384.Signing.PrivateKey()
        let authority = issuer ?? (kind == .vcek ? chipAuthority : providerAuthority)
        let der = try authority.sign(
            Self.body(
                serial: 0, issuer: authority.name, subject: subject ?? "SEV-\(kind.rawValue.uppercased())",
                from: now.addingTimeInterval(validFor.lowerBound), to: now.addingTimeInterval(validFor.upperBound),
                publicKey: Array(key.publicKey.derRepresentation), extensions: extensions))
        return EndorsementKey(key: key, der: der, kind: kind)
    }

    /// Makes a revocation list of the root over these serial numbers.
    func revocationList(
        revoking serials: [Int] = [], by issuer: Authority? = nil, issued: TimeInterval = -86_400,
        nextUpdate: TimeInterval? = 86_400, number: Int = 4
    ) throws -> [UInt8] {
        let issuer = issuer ?? root
        let entries = serials.flatMap { DERWriter.sequence(DERWriter.integer($0), DERWriter.time(now)) }
        let body = DERWriter.sequence(
            DERWriter.integer(1), DERWriter.pss, DERWriter.name(issuer.name),
            DERWriter.time(now.addingTimeInterval(issued)),
            nextUpdate.map { DERWriter.time(now.addingTimeInterval($0)) } ?? [],
            entries.isEmpty ? [] : DERWriter.sequence(entries),
            DERWriter.explicit(
                0, DERWriter.sequence(DERWriter.certificateExtension("2.5.29.20", DERWriter.integer(number)))))
        return try issuer.sign(body)
    }
}

extension SNPReport {
    /// The report's bytes, signed with this key.
    func signed(by key: TestAMD.EndorsementKey) throws -> [UInt8] {
        let signature = try key.key.signature(for: encoded()[..<SNPReport.signedByteCount])
        var report = self
        report.signature = try #require(SNPSignature(rawRepresentation: Array(signature.rawRepresentation)))
        return report.encoded()
    }
}
