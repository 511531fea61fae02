import Crypto
import Encodings

/// What the ultravisor measures of a guest (HMAC-SHA-512).
package struct SEMeasurement: Sendable {
    /// The image's three digests and tag, 208 bytes.
    package let tags: [UInt8]
    /// The identifier of the guest, 16 bytes.
    package let configurationID: [UInt8]
    /// What the guest had measured with it, at most 256 bytes.
    package let userData: [UInt8]
    /// The nonce of the request; empty when it has none.
    package let nonce: [UInt8]
    /// What the ultravisor added.
    package let additionalData: [UInt8]

    package init(
        tags: [UInt8], configurationID: [UInt8], userData: [UInt8], nonce: [UInt8], additionalData: [UInt8]
    ) {
        self.tags = tags
        self.configurationID = configurationID
        self.userData = userData
        self.nonce = nonce
        self.additionalData = additionalData
    }

    /// The measurement under a key of 64 bytes.
    package func code(key: [UInt8]) -> [UInt8] {
        Array(HMAC<SHA512>.authenticationCode(for: message, using: SymmetricKey(data: key)))
    }

    /// Whether a measurement is this one, compared in constant time.
    func isValid(_ code: [UInt8], key: [UInt8]) -> Bool { constantTimeEqual(code, self.code(key: key)) }

    private var message: [UInt8] {
        let (user, additional) = (userData.count, additionalData.count)
        let lengths: [UInt8] = [
            UInt8(truncatingIfNeeded: user >> 8), UInt8(truncatingIfNeeded: user), 0, 0,
            UInt8(truncatingIfNeeded: additional >> 24), UInt8(truncatingIfNeeded: additional >> 16),
            UInt8(truncatingIfNeeded: additional >> 8), UInt8(truncatingIfNeeded: additional),
        ]
        return tags + configurationID + lengths + userData + nonce + additionalData
    }
}
