extension BrokerConfiguration {
    /// Reads a configuration file.
    ///
    /// - Parameters:
    ///   - yaml: The file's text; absent settings keep their defaults.
    ///   - source: What the file is called in errors.
    /// - Throws: ``ConfigurationError`` for anything unreadable, unknown or out of range, with line and column.
    public init(yaml: String, source: String) throws(ConfigurationError) {
        self.init()
        var root = try ConfigurationSection(parsing: yaml, source: source)
        listen = try root.texts("listen") ?? listen
        guard !listen.isEmpty else { throw root.invalid("listen", "must not be empty.") }
        for address in listen where ListenAddress(address) == nil {
            throw root.invalid("listen", "has \(address), which is no host:port.")
        }
        keyEncryptionKeyFile = try root.text("keyEncryptionKeyFile")
        logLevel = try root.text("logLevel") ?? logLevel
        if var section = try root.section("transport") { transport = try TransportConfiguration(&section) }
        if var section = try root.section("database") { database = try DatabaseSettings(&section) }
        if var section = try root.section("token") { token = try TokenConfiguration(&section) }
        if var section = try root.section("session") { session = try SessionConfiguration(&section) }
        if var section = try root.section("attestation") { attestation = try AttestationConfiguration(&section) }
        if var section = try root.section("verifiers") { verifiers = try VerifierConfiguration(&section) }
        if var section = try root.section("protocol") { protocolVersions = try ProtocolConfiguration(&section) }
        if var section = try root.section("admin") { admin = try AdminConfiguration(&section) }
        if var section = try root.section("collateral") { collateral = try CollateralConfiguration(&section) }
        if var section = try root.section("policies") { policies = try PolicyConfiguration(&section) }
        if var section = try root.section("referenceValues") {
            referenceValues = try ReferenceValueConfiguration(&section)
        }
        if var section = try root.section("passport") {
            for var issuer in try section.sections("issuers") ?? [] {
                passport.append(try PassportIssuerConfiguration(&issuer))
            }
            try section.finish()
        }
        if var section = try root.section("limits") { limits = try LimitConfiguration(&section) }
        try root.finish()
    }
}

extension TransportConfiguration {
    init(_ section: inout ConfigurationSection) throws(ConfigurationError) {
        certificateFile = try section.text("certificateFile")
        keyFile = try section.text("keyFile")
        insecurePlaintext = try section.flag("insecurePlaintext") ?? insecurePlaintext
        if (certificateFile == nil) != (keyFile == nil) {
            throw section.invalid("certificateFile", "and keyFile belong together.")
        }
        try section.finish()
    }
}

extension DatabaseSettings {
    init(_ section: inout ConfigurationSection) throws(ConfigurationError) {
        url = try section.text("url")
        urlFile = try section.text("urlFile")
        connections = try section.integer("connections", in: 1...64) ?? connections
        statementTimeout =
            try section.duration("statementTimeout", in: .milliseconds(100) ... .seconds(600)) ?? statementTimeout
        try section.finish()
    }
}

extension TokenConfiguration {
    init(_ section: inout ConfigurationSection) throws(ConfigurationError) {
        issuer = try section.text("issuer") ?? issuer
        audience = try section.text("audience") ?? audience
        lifetime = try section.duration("lifetime", in: .seconds(10) ... .seconds(86_400)) ?? lifetime
        rotationOverlap =
            try section.duration("rotationOverlap", in: .zero ... .seconds(30 * 86_400))
            ?? max(rotationOverlap, lifetime)
        guard rotationOverlap >= lifetime else {
            throw section.invalid("rotationOverlap", "must be at least token.lifetime: a rotation would end sessions.")
        }
        try section.finish()
    }
}

extension SessionConfiguration {
    init(_ section: inout ConfigurationSection) throws(ConfigurationError) {
        challengeLifetime =
            try section.duration("challengeLifetime", in: .seconds(5) ... .seconds(3_600)) ?? challengeLifetime
        clockTolerance = try section.duration("clockTolerance", in: .zero ... .seconds(900)) ?? clockTolerance
        try section.finish()
    }
}

extension AttestationConfiguration {
    init(_ section: inout ConfigurationSection) throws(ConfigurationError) {
        allowSample = try section.flag("allowSample") ?? allowSample
        verifierDeveloper = try section.text("verifierDeveloper") ?? verifierDeveloper
        verifierBuild = try section.text("verifierBuild") ?? verifierBuild
        try section.finish()
    }
}

extension ProtocolConfiguration {
    init(_ section: inout ConfigurationSection) throws(ConfigurationError) {
        legacy = try section.flag("legacy") ?? legacy
        minimumVersion = try section.text("minimumVersion") ?? minimumVersion
        resourceMinimumVersions = try section.textsByName("resourceMinimumVersions") ?? resourceMinimumVersions
        try section.finish()
    }
}

extension AdminConfiguration {
    init(_ section: inout ConfigurationSection) throws(ConfigurationError) {
        if let name = try section.text("mode") {
            guard let known = Mode(rawValue: name) else {
                let modes = Mode.allCases.map(\.rawValue).joined(separator: " or ")
                throw section.invalid("mode", "must be \(modes).")
            }
            mode = known
        }
        maximumTokenLifetime =
            try section.duration("maximumTokenLifetime", in: .seconds(1) ... .seconds(36_500 * 86_400))
            ?? maximumTokenLifetime
        for var provider in try section.sections("identityProviders") ?? [] {
            identityProviders.append(try IdentityProviderConfiguration(&provider))
        }
        for var rule in try section.sections("accessList") ?? [] {
            accessList.append(try AccessRuleConfiguration(&rule))
        }
        if mode == .authenticated, identityProviders.isEmpty {
            throw section.invalid("identityProviders", "must not be empty in mode \(mode.rawValue).")
        }
        try section.finish()
    }
}

extension IdentityProviderConfiguration {
    init(_ section: inout ConfigurationSection) throws(ConfigurationError) {
        if var cluster = try section.section("kubernetes") {
            try self.init(kubernetes: &cluster)
            try section.finish()
            return
        }
        self.init(
            issuer: try section.requiredText("issuer"), audience: try section.requiredText("audience"),
            publicKeyFile: try section.text("publicKeyFile"), jwkSetFile: try section.text("jwkSetFile"))
        if publicKeyFile == nil, jwkSetFile == nil {
            throw section.invalid("publicKeyFile", "or jwkSetFile must be given.")
        }
        try section.finish()
    }
}

extension AccessRuleConfiguration {
    init(_ section: inout ConfigurationSection) throws(ConfigurationError) {
        self.init(
            role: try section.requiredText("role"), allowedEndpoints: try section.requiredText("allowedEndpoints"),
            methods: try section.texts("methods"))
        try section.finish()
    }
}

extension PassportIssuerConfiguration {
    init(_ section: inout ConfigurationSection) throws(ConfigurationError) {
        self.init(
            issuer: try section.requiredText("issuer"), audience: try section.text("audience"),
            jwkSetFile: try section.text("jwkSetFile"), certificateFile: try section.text("certificateFile"),
            teeKeyPointers: try section.texts("teeKeyPointers") ?? [])
        if jwkSetFile == nil, certificateFile == nil {
            throw section.invalid("jwkSetFile", "or certificateFile must be given.")
        }
        try section.finish()
    }
}

extension LimitConfiguration {
    init(_ section: inout ConfigurationSection) throws(ConfigurationError) {
        bodyBytes = try section.integer("bodyBytes", in: 4_096...67_108_864) ?? bodyBytes
        resourceBytes = try section.integer("resourceBytes", in: 1...67_108_864) ?? resourceBytes
        challengesPerSecond = try section.integer("challengesPerSecond", in: 1...1_000_000) ?? challengesPerSecond
        challengeBurst = try section.integer("challengeBurst", in: 1...1_000_000) ?? challengeBurst
        idleTimeout = try section.duration("idleTimeout", in: .seconds(1) ... .seconds(3_600)) ?? idleTimeout
        connections = try section.integer("connections", in: 1...1_000_000) ?? connections
        try section.finish()
    }
}
