import Crypto

/// What the Ultravisor of IBM Z measures of a running guest, under a key that the request carries.
public struct SecureExecutionMeasurement: Sendable, Hashable {
    /// User data that is longer does not fit into the request's length.
    public static let maximumUserData = 256

    /// The image's page-list, address-list and tweak-list digests, 64 bytes each, and tag, 16 bytes, one behind the other.
    public let imageIdentity: [UInt8]
    /// The identifier that the machine gave to the guest: 16 bytes.
    public let configurationID: [UInt8]
    /// What the guest added: at most 256 bytes.
    public let userData: [UInt8]
    /// The request's nonce: 16 bytes, or none.
    public let nonce: [UInt8]
    /// What the request wanted beside the measurement.
    public let additionalData: [UInt8]

    /// A measurement of these parts.
    ///
    /// - Throws: `invalid_input` for parts of other lengths.
    public init(
        imageIdentity: [UInt8], configurationID: [UInt8], userData: [UInt8] = [], nonce: [UInt8] = [],
        additionalData: [UInt8] = []
    ) throws(MeasurementError) {
        guard imageIdentity.count == 3 * 64 + 16, configurationID.count == 16, [0, 16].contains(nonce.count),
            userData.count <= Self.maximumUserData, UInt32(exactly: additionalData.count) != nil
        else {
            throw MeasurementError(
                .invalidInput,
                "A Secure Execution measurement takes an identity of 208 bytes, a configuration id of 16, a nonce of 16 or none, and at most 256 of user data."
            )
        }
        self.imageIdentity = imageIdentity
        self.configurationID = configurationID
        self.userData = userData
        self.nonce = nonce
        self.additionalData = additionalData
    }

    /// The expected measurement: an HMAC with SHA-512, 64 bytes.
    ///
    /// - Parameter key: the measurement key of the request.
    public func value(key: [UInt8]) -> [UInt8] {
        let lengths =
            UInt16(userData.count).littleEndianBytes.reversed() + [0, 0]
            + UInt32(additionalData.count).littleEndianBytes.reversed()
        let message = imageIdentity + configurationID + lengths + userData + nonce + additionalData
        return Array(HMAC<SHA512>.authenticationCode(for: message, using: SymmetricKey(data: key)))
    }
}

extension SecureExecutionHeader {
    /// What a measurement covers of the image: three digests and the tag, 208 bytes.
    public var imageIdentity: [UInt8] { pageListDigest + addressListDigest + tweakListDigest + tag }
}
