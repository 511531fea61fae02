import Encodings
import RATS
import Verification
import X509TestSupport
import X509Trust

/// A realm on a platform of a maker of its own. Everything that the two tokens say can be changed before they are signed.
package struct SimulatedRealm: Sendable {
    /// The form of the tokens.
    package enum Profile: Sendable, Hashable, CaseIterable {
        /// The first release: the realm's key as a raw point, no profile in its token.
        case legacy
        /// The current one: the realm's key as a COSE_Key.
        case current
    }

    /// The platform's key (CPAK).
    package var platformKey: TestKey
    /// The realm's key (RAK).
    package var realmKey: TestKey
    /// The claims of the platform's token; the challenge is filled in when it is sent.
    package var platform: CBORMap
    /// The claims of the realm's token; the challenge is filled in when it is sent.
    package var realm: CBORMap
    /// Whether the platform vouches for the key in the realm's token.
    package var isBound = true
    /// Whether the tokens stand behind their media type.
    package var isWrapped = false

    /// A realm that nothing is wrong with.
    package init(
        _ profile: Profile = .current, platformCurve: PublicKey.Curve = .p384, realmCurve: PublicKey.Curve = .p384
    ) throws {
        platformKey = try TestKey.generate(.ec(platformCurve))
        realmKey = try TestKey.generate(.ec(realmCurve))
        platform = CBORMap([
            (265, .text(profile == .legacy ? "http://arm.com/CCA-SSD/1.0.0" : "tag:arm.com,2023:cca_platform#1.0.0")),
            (10, .bytes([])), (2396, .bytes(Self.implementationID)), (256, .bytes(Self.instanceID)),
            (2401, .bytes([0xCF, 0xCF])), (2395, 0x3003), (2402, "sha-256"), (2400, "https://maker.example"),
            (2399, .array([Self.component("RMM", 1), Self.component("BL2", 2)])),
        ])
        realm = CBORMap([
            (10, .bytes([])), (44_235, .bytes([UInt8](repeating: 0, count: 64))), (44_236, "sha-512"),
            (44_240, "sha-512"), (44_238, .bytes([UInt8](repeating: 0x43, count: 64))),
            (44_239, .array((0..<4).map { .bytes([UInt8](repeating: $0, count: 64)) })),
        ])
        if profile == .current { realm[265] = "tag:arm.com,2023:realm#1.0.0" }
        realm[44_237] = .bytes(try Self.keyBytes(realmKey, profile))
    }

    /// The identifiers of the machine.
    package static let implementationID = [UInt8](repeating: 0x1F, count: 32)
    /// The identifier of the machine among those of its make.
    package static let instanceID = [1] + [UInt8](repeating: 0x2F, count: 32)

    /// What its maker says of the machine.
    package var endorsements: CCAEndorsements {
        CCAEndorsements(
            anchors: [
                CCAEndorsements.TrustAnchor(
                    implementationID: Self.implementationID, instanceID: Self.instanceID, key: platformKey.publicKey)
            ],
            releases: [
                CCAEndorsements.Release(
                    implementationID: Self.implementationID,
                    components: [("RMM", 1), ("BL2", 2)].map { type, seed in
                        CCAEndorsements.Component(
                            type: type, version: "1.0", signerID: [UInt8](repeating: 0x51, count: 32),
                            measurements: [[UInt8](repeating: seed, count: 32)])
                    }, configurations: [[0xCF, 0xCF]])
            ])
    }

    /// This realm with changes; it is signed again whenever it is sent.
    package func twin(_ change: (inout SimulatedRealm) throws -> Void) rethrows -> SimulatedRealm {
        var twin = self
        try change(&twin)
        return twin
    }

    /// The signed token, with zeros after the digest that it is bound to.
    package func token(bound digest: [UInt8], initData: [UInt8] = []) throws -> [UInt8] {
        var realm = realm
        realm[10] = .bytes(padded(digest, to: 64))
        if !initData.isEmpty { realm[44_235] = .bytes(padded(initData, to: 64)) }
        var platform = platform
        let vouched = isBound ? realm[44_237]?.bytesValue ?? [] : [1, 2, 3]
        platform[10] = .bytes(try Self.hash(realm[44_240]?.textValue).hash(vouched))
        let (platformToken, realmToken) = (
            try Self.signed(platform, by: platformKey), try Self.signed(realm, by: realmKey)
        )
        let parts: [(CBORValue, CBORValue)] = [(44_234, item(platformToken)), (44_241, item(realmToken))]
        return CBORValue.tagged(399, .map(CBORMap(parts))).encoded
    }

    /// Fresh evidence that is bound to a digest.
    package func evidence(bound digest: [UInt8], initData: [UInt8] = []) throws -> Evidence {
        let token = try token(bound: digest, initData: initData)
        return Evidence(tee: .cca, content: ["token": .array(token.map { .int(Int64($0)) })])
    }

    /// A component of the platform's firmware.
    package static func component(_ type: CBORValue, _ seed: UInt8) -> CBORValue {
        [
            1: type, 2: .bytes([UInt8](repeating: seed, count: 32)), 4: "1.0",
            5: .bytes([UInt8](repeating: 0x51, count: 32)), 6: "sha-256",
        ]
    }

    /// A key in the form of a profile.
    package static func keyBytes(_ key: TestKey, _ profile: Profile) throws -> [UInt8] {
        guard let point = key.publicKey.x963, case .ec(let curve) = key.publicKey.kind else {
            throw SimulationError("the realm's key is on no curve")
        }
        guard profile == .current else { return point }
        let size = curve.coordinateByteCount
        let number: CBORValue =
            switch curve {
            case .p256: 1
            case .p384: 2
            case .p521: 3
            }
        let map: CBORValue = [
            1: 2, -1: number, -2: .bytes(Array(point[1...size])), -3: .bytes(Array(point[(1 + size)...])),
        ]
        return map.encoded
    }

    /// Claims as a COSE_Sign1 with the algorithm of the key's curve.
    package static func signed(_ claims: CBORMap, by key: TestKey) throws -> [UInt8] {
        try signed(payload: CBORValue.map(claims).encoded, by: key)
    }

    /// A payload as a COSE_Sign1 with the algorithm of the key's curve.
    package static func signed(payload: [UInt8], by key: TestKey) throws -> [UInt8] {
        let (number, algorithm): (CBORValue, SignatureAlgorithm) =
            switch key.publicKey.kind {
            case .ec(.p256): (-7, .ecdsaRaw(.sha256))
            case .ec(.p521): (-36, .ecdsaRaw(.sha512))
            default: (-35, .ecdsaRaw(.sha384))
            }
        let header = ([1: number] as CBORValue).encoded
        let signature = try key.sign(COSESign1.signingInput(protected: header, payload: payload), algorithm)
        return CBORValue.tagged(18, [.bytes(header), [:], .bytes(payload), .bytes(signature)]).encoded
    }

    private static func hash(_ name: String?) -> DigestAlgorithm {
        switch name {
        case "sha-256": .sha256
        case "sha-384": .sha384
        default: .sha512
        }
    }

    private func item(_ token: [UInt8]) -> CBORValue {
        isWrapped ? ["application/eat+cwt", .bytes(token)] : .bytes(token)
    }
}
