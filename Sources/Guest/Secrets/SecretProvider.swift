import Encodings

/// Who keeps the values, or the keys, of sealed secrets.
public enum SecretProvider: String, Sendable, Hashable, CaseIterable {
    /// The key broker; the only one this agent has a client of.
    case kbs
    /// Alibaba Cloud's key management service.
    case aliyun
    /// Secrets Manager and the key management service of AWS.
    case aws
    /// Intel's eHSM.
    case ehsm

    /// The provider of a name, in any case of letters.
    ///
    /// - Throws: `GuestError` with `unsupported_provider`.
    public init(name: String) throws(GuestError) {
        // Only ASCII, because lower-casing lets a few other letters become these.
        let folded = name.utf8.allSatisfy { $0 < 0x80 } ? name.lowercased() : name
        guard let provider = SecretProvider.allCases.first(where: { $0.rawValue.utf8.elementsEqual(folded.utf8) })
        else {
            throw GuestError(
                .unsupportedProvider, "No provider of sealed secrets is called '\(String(name.printable.prefix(64)))'.")
        }
        self = provider
    }

    /// That this agent has no client for the provider, and what to do.
    var isNotBuilt: GuestError {
        GuestError(
            .unsupportedProvider,
            "This agent has no client for the provider \(rawValue): put the value into the key broker, and seal a secret of "
                + "the form vault with the provider kbs.")
    }
}
