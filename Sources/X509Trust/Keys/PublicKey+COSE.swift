public import Encodings

extension PublicKey {
    /// The key that COSE wrote.
    ///
    /// Throws `malformed_key`, also for a point that is not on its curve.
    public init(_ key: COSEKey) throws(X509Error) {
        let curve: Curve =
            switch key.curve {
            case .p256: .p256
            case .p384: .p384
            case .p521: .p521
            }
        self = try PublicKey.ec(curve, x963: key.x963)
    }

    /// Whether this key's private half signed a message, whose algorithm must be the one for the key's kind and curve
    /// (RFC 9053 section 2.1 lets curves and hash functions be mixed, which nobody needs).
    public func isValidSignature(of message: COSESign1, externalData: [UInt8] = []) -> Bool {
        let algorithm: SignatureAlgorithm
        switch (message.algorithm, kind) {
        case (.es256, .ec(.p256)): algorithm = .ecdsaRaw(.sha256)
        case (.es384, .ec(.p384)): algorithm = .ecdsaRaw(.sha384)
        case (.es512, .ec(.p521)): algorithm = .ecdsaRaw(.sha512)
        case (.ps384, .rsa): algorithm = .rsaPSS(.sha384)
        default: return false
        }
        return isValid(
            signature: message.signature, over: message.signingInput(externalData: externalData), algorithm)
    }
}
