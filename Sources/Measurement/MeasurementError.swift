/// Why no expected measurement could be computed.
public struct MeasurementError: Error, Sendable, Hashable {
    /// Stable identifiers of the kinds of failure.
    public enum Code: String, Sendable, Hashable, CaseIterable {
        /// A firmware image contradicts itself or its own size.
        case malformedFirmware = "malformed_firmware"
        /// A firmware image lacks what this kind of start needs.
        case unsupportedFirmware = "unsupported_firmware"
        /// An enclave image, a kernel image or a header contradicts itself or its own size.
        case malformedImage = "malformed_image"
        /// An image is in a form whose measurement cannot be told beforehand.
        case unsupportedImage = "unsupported_image"
        /// A parameter of the guest is impossible.
        case invalidInput = "invalid_input"
        /// Something is larger than it may be.
        case tooLarge = "too_large"
        /// A file could not be read, or changed meanwhile.
        case unreadable
    }

    /// What kind of failure it is.
    public let code: Code
    /// A sentence for the operator, with what to do next where that is not plain.
    public let message: String

    /// An error with its kind and sentence.
    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }
}
