import Encodings
import RATS

/// What the verifier must know again when a launch is proved. It is kept sealed, and returned once: whoever has the keys can
/// prove any launch.
struct SEVChallengeState: Sendable {
    /// The key that packets of secrets are encrypted with (TEK), 16 bytes.
    let encryptionKey: SecretBytes
    /// The key that launch and packets are authenticated with (TIK), 16 bytes.
    let integrityKey: SecretBytes
    /// The policy in the session.
    let policy: SEVGuestPolicy
    /// What the platform said of its firmware; the launch measure proves it.
    let firmware: SEVFirmware
    let generation: SEVGeneration
    let chipID: [UInt8]

    private static let version: UInt8 = 1
    private static let byteCount = 1 + 16 + 16 + 4 + 3 + 1 + 32

    var bytes: [UInt8] {
        [Self.version] + encryptionKey.copyBytes() + integrityKey.copyBytes() + policy.bytes
            + [firmware.api.major, firmware.api.minor, firmware.build, generation.rawValue] + chipID
    }

    init(
        _ secrets: SEVLaunchSession.Secrets, _ policy: SEVGuestPolicy, _ firmware: SEVFirmware, _ platform: SEVPlatform
    ) {
        encryptionKey = SecretBytes(secrets.encryptionKey)
        integrityKey = SecretBytes(secrets.integrityKey)
        self.policy = policy
        self.firmware = firmware
        generation = platform.generation
        chipID = platform.chipID
    }

    /// Throws `challenge_missing` for a session that was given no keys, or by an older broker.
    init(_ bytes: [UInt8]?) throws(VerificationError) {
        guard let bytes, bytes.count == Self.byteCount, bytes[0] == Self.version,
            let generation = SEVGeneration(rawValue: bytes[40])
        else {
            throw VerificationError(
                code: "challenge_missing",
                message: "The measurement answers no launch that was begun with this session. Begin a new session.")
        }
        encryptionKey = SecretBytes(Array(bytes[1..<17]))
        integrityKey = SecretBytes(Array(bytes[17..<33]))
        policy = SEVGuestPolicy(rawValue: bytes[33..<37].reversed().reduce(0) { $0 << 8 | UInt32($1) })
        firmware = SEVFirmware(api: SEVInterfaceVersion(major: bytes[37], minor: bytes[38]), build: bytes[39])
        self.generation = generation
        chipID = Array(bytes[41...])
    }
}

/// The firmware of a platform's secure processor.
package struct SEVFirmware: Sendable, Hashable {
    /// The version of its interface.
    package let api: SEVInterfaceVersion
    /// Its build.
    package let build: UInt8

    /// A firmware.
    package init(api: SEVInterfaceVersion, build: UInt8) {
        self.api = api
        self.build = build
    }
}
