package import Encodings

/// What a platform proves of a launch under the session's integrity key (Secure Encrypted Virtualization API, section 6.5.2).
package struct SEVMeasuredLaunch: Sendable, Hashable {
    package let firmware: SEVFirmware
    package let policy: SEVGuestPolicy
    /// The platform's nonce, 16 bytes.
    package let nonce: [UInt8]

    /// A launch under this firmware and policy.
    package init(firmware: SEVFirmware, policy: SEVGuestPolicy, nonce: [UInt8]) {
        self.firmware = firmware
        self.policy = policy
        self.nonce = nonce
    }

    /// The measure of a launch digest: 32 bytes.
    package func code(digest: [UInt8], key: SecretBytes) -> [UInt8] {
        SEVKeys.code(
            [0x04, firmware.api.major, firmware.api.minor, firmware.build] + policy.bytes + digest + nonce, key: key)
    }

    /// The digest of which a measure was made. All are tried, each compared in constant time, so that the time says nothing.
    func digest(of measure: [UInt8], among digests: [[UInt8]], key: SecretBytes) -> [UInt8]? {
        var found: [UInt8]?
        for digest in digests where constantTimeEqual(code(digest: digest, key: key), measure) { found = digest }
        return found
    }
}
