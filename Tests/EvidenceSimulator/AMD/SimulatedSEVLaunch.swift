import Crypto
import Encodings
import RATS
import Verification

/// A guest that a simulated platform starts in a session, as the secure processor does: it opens the session's keys, measures
/// the guest, and decrypts packets into its memory.
package struct SimulatedSEVLaunch: Sendable {
    /// The platform.
    package var platform: SimulatedSEVPlatform
    /// The digest of what is loaded, 32 bytes.
    package var digest: [UInt8]
    /// The platform's nonce.
    package var nonce = [UInt8](repeating: 0x4E, count: 16)
    /// The policy that the guest is started under, when its host exchanges it.
    package var policy: UInt32?
    /// What the platform says of itself in the measure, when it differs from its request.
    package var measured: (major: UInt8, minor: UInt8, build: UInt8)?

    /// A guest of SEV-ES or SEV with a digest.
    package init(_ platform: SimulatedSEVPlatform, digest: [UInt8] = [UInt8](repeating: 0x1D, count: 32)) {
        self.platform = platform
        self.digest = digest
    }

    /// The keys of a session after its codes have been checked: TEK and TIK, 16 bytes each.
    package func open(_ challenge: JSONValue) throws -> (encryption: [UInt8], integrity: [UInt8], policy: UInt32) {
        guard let start = challenge["start"], let certificate = start["cert"]?.byteArrayValue,
            let session = start["session"], certificate.count == SEVCertificate.byteCount,
            let bits = start["policy"]?["flags"]?["bits"]?.uintValue,
            let major = start["policy"]?["minfw"]?["major"]?.uintValue,
            let minor = start["policy"]?["minfw"]?["minor"]?.uintValue
        else { throw SimulationError("it is no session") }
        func bytes(_ name: String) -> [UInt8] { session[name]?.byteArrayValue ?? [] }
        let point = [4] + certificate[20..<68].reversed() + certificate[92..<140].reversed()
        let owner = try P384.KeyAgreement.PublicKey(x963Representation: point)
        let agreed = try platform.session.sharedSecretFromKeyAgreement(with: owner)
        let keys = SEVKeys.Agreed(secret: agreed.withUnsafeBytes { Array($0) }, nonce: bytes("nonce"))
        guard SEVKeys.code(bytes("wrap_tk"), key: keys.integrity) == bytes("wrap_mac") else {
            throw SimulationError("the session is for another platform")
        }
        let plain = try SEVKeys.counterMode(bytes("wrap_tk"), key: keys.encryption, vector: bytes("wrap_iv"))
        let stated = UInt32(bits) | UInt32(major) << 16 | UInt32(minor) << 24
        guard SEVKeys.code(littleEndian(stated), key: Array(plain[16...])) == bytes("policy_mac") else {
            throw SimulationError("the policy was exchanged")
        }
        return (Array(plain[..<16]), Array(plain[16...]), stated)
    }

    /// The measurement of the guest under a challenge's session.
    package func measurement(_ challenge: JSONValue) throws -> JSONValue {
        let session = try open(challenge)
        let code = measure(session.integrity, policy ?? session.policy)
        func list(_ bytes: [UInt8]) -> JSONValue { .array(bytes.map { .int(Int64($0)) }) }
        return ["measure": list(code), "mnonce": list(nonce)]
    }

    private func measure(_ key: [UInt8], _ policy: UInt32) -> [UInt8] {
        let firmware = measured ?? platform.firmware
        return SEVKeys.code(
            [0x04, firmware.major, firmware.minor, firmware.build] + littleEndian(policy) + digest + nonce, key: key)
    }

    /// Evidence of the guest.
    package func evidence(_ challenge: JSONValue) throws -> Evidence {
        Evidence(tee: .sev, content: try measurement(challenge))
    }

    /// The entries of a packet's table by their names (bytes as they stand in memory), as the guest finds them. A packet for
    /// another launch, or one that was changed, is refused as the platform does.
    package func secrets(in packet: JSONValue, _ challenge: JSONValue) throws -> [(guid: [UInt8], data: [UInt8])] {
        let session = try open(challenge)
        guard let vector = packet["header"]?["iv"]?.byteArrayValue, packet["header"]?["flags"]?["bits"] == 0,
            let code = packet["header"]?["mac"]?.byteArrayValue, let sealed = packet["ciphertext"]?.byteArrayValue,
            sealed.count <= 16_384, sealed.count % 16 == 0
        else { throw SimulationError("it is no packet") }
        let length = littleEndian(UInt32(sealed.count))
        let expected = SEVKeys.code(
            [0x01, 0, 0, 0, 0] + vector + length + length + sealed
                + measure(session.integrity, policy ?? session.policy), key: session.integrity)
        guard expected == code else { throw SimulationError("the packet is for another launch") }
        return try Self.entries(SEVKeys.counterMode(sealed, key: session.encryption, vector: vector))
    }

    private static func entries(_ table: [UInt8]) throws -> [(guid: [UInt8], data: [UInt8])] {
        func number(_ place: Int) -> Int { (0..<4).reduce(0) { $0 | Int(table[place + $1]) << (8 * $1) } }
        guard table.count >= 20, number(16) <= table.count else { throw SimulationError("the table is cut off") }
        let end = number(16)
        var entries: [(guid: [UInt8], data: [UInt8])] = []
        var place = 20
        while place + 20 <= end {
            let length = number(place + 16)
            guard length >= 20, place + length <= end else { throw SimulationError("an entry is cut off") }
            entries.append((Array(table[place..<(place + 16)]), Array(table[(place + 20)..<(place + length)])))
            place += length
        }
        guard place == end else { throw SimulationError("something follows the entries") }
        return entries
    }

    /// This launch with changes.
    package func twin(_ change: (inout SimulatedSEVLaunch) throws -> Void) rethrows -> SimulatedSEVLaunch {
        var twin = self
        try change(&twin)
        return twin
    }
}
