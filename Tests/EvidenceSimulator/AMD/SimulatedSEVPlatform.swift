import Crypto
import Encodings
import RATS
import Verification
import X509TestSupport
import X509Trust

/// A stand-in for AMD and a platform of its making: root, signing key, chip, owner, platform and session keys in AMD's own
/// form. Everything in the certificates can be made otherwise before they are signed.
package struct SimulatedSEVPlatform: Sendable {
    /// A key in a certificate of the platform.
    package struct Certified: Sendable {
        package var key: TestKey
        /// What the certificate says the key is for.
        package var usage: UInt32
        /// What the certificate says of its algorithm.
        package var algorithm: UInt32

        init(_ usage: UInt32, _ algorithm: UInt32 = 2) throws {
            key = try TestKey.generate(.ec(.p384))
            self.usage = usage
            self.algorithm = algorithm
        }
    }

    /// A signature in one of a certificate's two places.
    package struct Signature: Sendable {
        /// Who signs; nobody leaves the place empty.
        package enum Signer: Sendable {
            case nobody, authority, owner, platform, chip
        }

        package var signer: Signer
        /// What the place says of its signer; the signer's own usage unless given.
        package var usage: UInt32?

        package init(_ signer: Signer, usage: UInt32? = nil) {
            self.signer = signer
            self.usage = usage
        }
    }

    package var root: TestKey
    package var authority: TestKey
    package var chip: Certified
    package var owner: Certified
    package var platform: Certified
    /// The key that sessions are agreed with, and its private half.
    package var session: P384.KeyAgreement.PrivateKey
    package var sessionUsage: UInt32 = 0x1003
    /// The places of each certificate.
    package var chipSignatures: [Signature] = [.init(.authority), .init(.nobody)]
    package var ownerSignatures: [Signature] = [.init(.owner), .init(.nobody)]
    package var platformSignatures: [Signature] = [.init(.owner), .init(.chip)]
    package var sessionSignatures: [Signature] = [.init(.platform), .init(.nobody)]
    /// The firmware: major and minor version of its interface, and its build.
    package var firmware: (major: UInt8, minor: UInt8, build: UInt8) = (1, 49, 6)
    /// What the signing key's certificate says it is for.
    package var authorityUsage: UInt32 = 0x13

    /// A platform that nothing is wrong with, under roots that are the same for all platforms of the simulator.
    package init() throws {
        root = try Self.rootKey.get()
        authority = try Self.authorityKey.get()
        chip = try Certified(0x1004)
        owner = try Certified(0x1001)
        platform = try Certified(0x1002)
        session = P384.KeyAgreement.PrivateKey()
    }

    // As the first generation has them, because larger keys take seconds to make.
    private static let rootKey = Result { try TestKey.generate(.rsa(2048)) }
    private static let authorityKey = Result { try TestKey.generate(.rsa(2048)) }
    private static let rootID = [UInt8](repeating: 0xA4, count: 16)
    private static let authorityID = [UInt8](repeating: 0xA5, count: 16)

    /// The root's certificate (ARK), the same for all platforms under the simulator's root: a pinned one is known by its bytes,
    /// and each signature is another.
    package func rootCertificate() throws -> [UInt8] {
        let pinned = try Self.pinnedRoot.get()
        return root.publicKey == pinned.key ? pinned.certificate : try certificate(of: root, Self.rootID, usage: 0)
    }

    private static let pinnedRoot = Result {
        let platform = try SimulatedSEVPlatform()
        return (
            key: platform.root.publicKey,
            certificate: try platform.certificate(of: platform.root, rootID, usage: 0)
        )
    }

    /// The signing key's certificate (ASK).
    package func authorityCertificate() throws -> [UInt8] {
        try certificate(of: authority, Self.authorityID, usage: authorityUsage)
    }

    /// Trusts this stand-in in place of AMD, as a generation.
    package func authorities(_ generation: SEVGeneration = .milan) throws -> SEVAuthorities {
        try SEVAuthorities([generation: (rootCertificate(), authorityCertificate())])
    }

    private func certificate(of key: TestKey, _ identifier: [UInt8], usage: UInt32) throws -> [UInt8] {
        let numbers = try Self.rsaNumbers(key.publicKey)
        let bits = littleEndian(UInt32(8 * numbers.modulus.count))
        let body =
            littleEndian(UInt32(1)) + identifier + Self.rootID + littleEndian(usage) + [UInt8](repeating: 0, count: 16)
            + bits + bits + padded([1, 0, 1], to: numbers.modulus.count) + numbers.modulus.reversed()
        return body + (try Self.sign(body, root))
    }

    /// RSASSA-PSS with the digest that AMD uses for keys of this size, least significant byte first.
    private static func sign(_ message: [UInt8], _ key: TestKey) throws -> [UInt8] {
        let size = try rsaNumbers(key.publicKey).modulus.count
        return try key.sign(message, .rsaPSS(size == 256 ? .sha256 : .sha384)).reversed()
    }

    /// The modulus of a key, from its SubjectPublicKeyInfo, whose exponent is 65537.
    private static func rsaNumbers(_ key: PublicKey) throws -> (modulus: [UInt8], Void) {
        guard case .rsa(let bits, _) = key.kind, key.spki.count > bits / 8 + 5 else {
            throw SimulationError("it is no RSA key")
        }
        return (Array(key.spki.dropLast(5).suffix(bits / 8)), ())
    }

    /// The chip's certificate (CEK).
    package func chipCertificate() throws -> [UInt8] {
        try certificate(Self.point(chip.key), chip.usage, chip.algorithm, chipSignatures)
    }

    /// The owner's certificate (OCA).
    package func ownerCertificate() throws -> [UInt8] {
        try certificate(Self.point(owner.key), owner.usage, owner.algorithm, ownerSignatures)
    }

    /// The platform's certificate (PEK).
    package func platformCertificate() throws -> [UInt8] {
        try certificate(Self.point(platform.key), platform.usage, platform.algorithm, platformSignatures)
    }

    /// The session key's certificate (PDH).
    package func sessionCertificate() throws -> [UInt8] {
        try certificate(Array(session.publicKey.x963Representation), sessionUsage, 3, sessionSignatures)
    }

    private static func point(_ key: TestKey) -> [UInt8] { key.publicKey.x963 ?? [] }

    private func certificate(
        _ point: [UInt8], _ usage: UInt32, _ algorithm: UInt32, _ places: [Signature]
    ) throws -> [UInt8] {
        let (x, y) = (padded(point[1..<49].reversed(), to: 72), padded(point[49...].reversed(), to: 72))
        let head = littleEndian(UInt32(1)) + [firmware.major, firmware.minor, 0, 0]
        let body = padded(
            head + littleEndian(usage) + littleEndian(algorithm) + littleEndian(UInt32(2)) + x + y, to: 0x414)
        return try places.reduce(body) { $0 + (try place($1, over: body)) }
    }

    private func place(_ place: Signature, over body: [UInt8]) throws -> [UInt8] {
        func signed(_ signer: Certified, _ usage: UInt32) throws -> [UInt8] {
            let signature = try signer.key.sign(body, .ecdsaRaw(.sha256))
            let (r, s) = (Array(signature[..<48].reversed()), Array(signature[48...].reversed()))
            return littleEndian(place.usage ?? usage) + littleEndian(UInt32(2))
                + padded(padded(r, to: 72) + padded(s, to: 72), to: 512)
        }
        switch place.signer {
        case .nobody: return padded(littleEndian(place.usage ?? 0x1000), to: 520)
        case .owner: return try signed(owner, 0x1001)
        case .platform: return try signed(platform, 0x1002)
        case .chip: return try signed(chip, 0x1004)
        case .authority:
            let signature = try Self.sign(body, authority)
            let algorithm: UInt32 = signature.count == 256 ? 0x001 : 0x101
            return littleEndian(place.usage ?? 0x13) + littleEndian(algorithm) + padded(signature, to: 512)
        }
    }

    /// All of the platform's certificates.
    package func chain() throws -> SEVPresentedChain {
        SEVPresentedChain(
            pdh: try sessionCertificate(), pek: try platformCertificate(), oca: try ownerCertificate(),
            cek: try chipCertificate(), authorities: .init(ask: try authorityCertificate(), ark: try rootCertificate()))
    }

    /// What its host sends when it asks for a session, as kbs-types' `SevRequest` has it.
    package func request() throws -> JSONValue {
        func list(_ bytes: [UInt8]) -> JSONValue { .array(bytes.map { .int(Int64($0)) }) }
        let chain = try chain()
        return [
            "build": [
                "version": ["major": .int(Int64(firmware.major)), "minor": .int(Int64(firmware.minor))],
                "build": .int(Int64(firmware.build)),
            ],
            "chain": [
                "ca": ["ask": list(try authorityCertificate()), "ark": list(try rootCertificate())],
                "sev": [
                    "pdh": list(chain.pdh), "pek": list(chain.pek), "oca": list(chain.oca), "cek": list(chain.cek),
                ],
            ],
            "workload_id": "simulated",
        ]
    }

    /// This platform with changes; it is signed again whenever it is sent.
    package func twin(_ change: (inout SimulatedSEVPlatform) throws -> Void) rethrows -> SimulatedSEVPlatform {
        var twin = self
        try change(&twin)
        return twin
    }
}
