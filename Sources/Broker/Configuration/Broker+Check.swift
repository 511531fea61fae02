import Storage

extension Broker {
    /// Looks at everything that a start needs and that can be looked at without the database: reads the files that the
    /// configuration names and checks what is in them.
    ///
    /// Throws ``ConfigurationError`` with the first thing that would keep a broker from starting.
    public static func check(_ configuration: BrokerConfiguration) throws(ConfigurationError) {
        let ring = try keyRing(configuration)
        _ = try challengeBox(ring)
        _ = try sessionCookies(ring)
        _ = try configuration.database.connectionString()
        _ = try ProtocolVersionRules(configuration.protocolVersions)
        _ = try tokenVerifier(configuration)
        _ = try PolicySignatures(configuration.policies.signatures)
        _ = try configuration.collateral.origins()
        _ = try configuration.collateral.trustedSigners()
    }

    static func keyRing(_ configuration: BrokerConfiguration) throws(ConfigurationError) -> KeyEncryptionKeyRing {
        guard let keyFile = configuration.keyEncryptionKeyFile else {
            throw ConfigurationError(
                code: "missing_key", message: "There are no key-encryption keys: set keyEncryptionKeyFile.")
        }
        do throws(StorageError) {
            return try KeyEncryptionKeyRing(file: keyFile)
        } catch {
            throw ConfigurationError(
                code: "invalid_key", message: "The key-encryption keys cannot be used: \(error.message)")
        }
    }

    static func tokenVerifier(_ configuration: BrokerConfiguration) throws(ConfigurationError) -> TokenVerifier {
        var issuers: [PassportIssuer] = []
        for issuer in configuration.passport { issuers.append(try PassportIssuer(issuer)) }
        guard !issuers.contains(where: { $0.name == configuration.token.issuer }) else {
            throw ConfigurationError(
                code: "invalid_value", message: "A passport issuer has the name of this broker's own tokens.")
        }
        guard Set(issuers.map(\.name)).count == issuers.count else {
            throw ConfigurationError(code: "invalid_value", message: "Two passport issuers have the same name.")
        }
        return TokenVerifier(
            issuer: configuration.token.issuer, audience: configuration.token.audience, passportIssuers: issuers)
    }
}
