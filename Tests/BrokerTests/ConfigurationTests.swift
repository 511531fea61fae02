import Encodings
import Foundation
import JOSE
import Testing
import Verification

@testable import Broker

@Suite("Configuration")
struct ConfigurationTests {
    @Test("files that a configuration names are read up to a size, and only regular ones")
    func files() {
        #expect(throws: ConfigurationError.self) { try ConfigurationFile.bytes(at: "/dev/zero") }
        #expect(throws: ConfigurationError.self) { try ConfigurationFile.text(at: "/nowhere") }
    }

    @Test("A30: the defaults deny: no admin, no sample evidence, no legacy protocol, no plaintext, no foreign issuer")
    func defaults() {
        let configuration = BrokerConfiguration()
        #expect(configuration.admin.mode == .denyAll)
        #expect(!configuration.attestation.allowSample)
        #expect(!configuration.protocolVersions.legacy)
        #expect(!configuration.transport.insecurePlaintext)
        #expect(configuration.passport.isEmpty)
    }

    @Test("every setting is read")
    func everything() throws {
        let configuration = try BrokerConfiguration(
            yaml: """
                listen: ["0.0.0.0:8443", "[::1]:0"]
                keyEncryptionKeyFile: /run/keys
                logLevel: debug
                transport: {certificateFile: /tls/cert.pem, keyFile: /tls/key.pem}
                database: {urlFile: /run/db, connections: 4, statementTimeout: 2s}
                token: {issuer: me, audience: you, lifetime: 10m, rotationOverlap: 12h}
                session: {challengeLifetime: 90s, clockTolerance: 500ms}
                attestation: {allowSample: true, verifierDeveloper: a, verifierBuild: b}
                protocol:
                  legacy: true
                  minimumVersion: 0.4.0
                  resourceMinimumVersions: {"default/old/*": 0.1.1}
                admin:
                  mode: AuthenticatedAuthorization
                  maximumTokenLifetime: 30d
                  identityProviders:
                    - {issuer: idp, audience: kbs, publicKeyFile: /admin.pem}
                    - {issuer: idp2, audience: kbs, jwkSetFile: /admin.jwks}
                  accessList:
                    - {role: admin, allowedEndpoints: "^/kbs/.+$", methods: [GET]}
                policies:
                  installDefaults: false
                  signatures: {required: true, keys: [/a.pem, /b.jwks], threshold: 2, bundles: [production]}
                collateral:
                  network: false
                  grace: 30d
                  refreshAfter: 12h
                  warnBefore: 3d
                  timeout: 5s
                  maximumItems: 77
                  proxy: "http://proxy:3128"
                  proxyExceptions: pccs
                  sources:
                    - {type: KDS}
                    - {type: PCCS, url: "https://pccs:8081", certificateAuthorityFile: /pccs.pem}
                    - {type: PCS, rootListURL: "https://mirror/root.crl"}
                    - {type: KDSFolder, path: /kds}
                    - {type: PCSFile, path: /pcs.json}
                  signatures: {keys: [/c.pem], threshold: 1}
                passport:
                  issuers:
                    - {issuer: as, audience: kbs, certificateFile: /as.pem, teeKeyPointers: ["/a/b"]}
                limits:
                  bodyBytes: 4096
                  resourceBytes: 100
                  challengesPerSecond: 7
                  challengeBurst: 8
                  idleTimeout: 5s
                  connections: 9
                """, source: "broker.yaml")
        #expect(configuration.listen == ["0.0.0.0:8443", "[::1]:0"])
        #expect(configuration.token.rotationOverlap == .seconds(43_200))
        #expect(configuration.session.clockTolerance == .milliseconds(500))
        #expect(configuration.admin.identityProviders.map(\.issuer) == ["idp", "idp2"])
        #expect(configuration.admin.accessList.first?.methods == ["GET"])
        #expect(configuration.policies.signatures.required)
        #expect(configuration.policies.signatures.keyFiles == ["/a.pem", "/b.jwks"])
        #expect(configuration.policies.signatures.threshold == 2)
        #expect(configuration.policies.signatures.bundles == ["production"])
        #expect(configuration.passport.first?.teeKeyPointers == ["/a/b"])
        #expect(configuration.protocolVersions.resourceMinimumVersions == ["default/old/*": "0.1.1"])
        #expect(!configuration.policies.installDefaults)
        let collateral = configuration.collateral
        #expect(!collateral.settings.network)
        #expect(collateral.settings.grace == .seconds(30 * 86_400))
        #expect(collateral.settings.refreshAfter == .seconds(12 * 3_600))
        #expect(collateral.settings.warnBefore == .seconds(3 * 86_400))
        #expect(collateral.settings.timeout == .seconds(5))
        #expect(collateral.settings.maximumItems == 77)
        #expect(collateral.proxy == "http://proxy:3128" && collateral.proxyExceptions == "pccs")
        #expect(collateral.sources.map(\.kind) == [.kds, .pccs, .pcs, .kdsFolder, .pcsFile])
        #expect(collateral.sources[1].url == "https://pccs:8081")
        #expect(collateral.sources[1].certificateAuthorityFile == "/pccs.pem")
        #expect(collateral.sources[2].rootListURL == "https://mirror/root.crl")
        #expect(collateral.sources.compactMap(\.path) == ["/kds", "/pcs.json"])
        #expect(collateral.keyFiles == ["/c.pem"])
        #expect(configuration.limits.connections == 9)
        #expect(configuration.database.connections == 4)
    }

    @Test(
        "what is unknown, mistyped or out of range is an error with its place",
        arguments: [
            ("lisen: []", "unknown_key", "1:"), ("token:\n  lifetme: 5m", "unknown_key", "2:"),
            ("token: {lifetime: 5}", "wrong_type", "token.lifetime"),
            ("token: {lifetime: 400d}", "wrong_type", "token.lifetime"),
            ("listen: 8080", "wrong_type", "listen"), ("listen: []", "invalid_value", "listen"),
            ("listen: [\"nowhere\"]", "invalid_value", "nowhere"),
            ("- a", "wrong_type", "mapping"), ("a: [", "malformed_yaml", "YAML"),
            ("attestation: {allowSample: yes}", "wrong_type", "attestation.allowSample"),
            ("admin: {mode: AllowAll}", "invalid_value", "DenyAll"),
            ("admin: {mode: InsecureAllowAll}", "invalid_value", "DenyAll"),
            ("admin: {type: Simple}", "unknown_key", "admin.type"),
            ("admin: {mode: AuthenticatedAuthorization, identityProviders: []}", "invalid_value", "identityProviders"),
            ("token: {lifetime: 2h, rotationOverlap: 90m}", "invalid_value", "rotationOverlap"),
            ("token: {rotationOverlap: 4m}", "invalid_value", "rotationOverlap"),
            ("policies: {signatures: {required: true}}", "invalid_value", "policies.signatures"),
            ("policies: {signatures: {threshold: 0}}", "wrong_type", "policies.signatures.threshold"),
            ("policies: {signatures: {bundles: [Production]}}", "invalid_value", "policies.signatures.bundles"),
            ("policies: {signed: true}", "unknown_key", "policies.signed"),
            ("collateral: {network: maybe}", "wrong_type", "collateral.network"),
            ("collateral: {timeout: 10m}", "wrong_type", "collateral.timeout"),
            ("collateral: {sources: [{type: FTP}]}", "invalid_value", "PCCS"),
            ("collateral: {sources: [{type: PCCS}]}", "missing_key", "url"),
            ("collateral: {sources: [{type: KDSFolder}]}", "missing_key", "path"),
            ("collateral: {sources: [{type: KDS, url: \"http://kds\"}]}", "invalid_value", "https://"),
            ("collateral: {sources: [{type: KDS, path: /a}]}", "unknown_key", "path"),
            ("collateral: {sources: [{type: KDS, rootListURL: \"https://a\"}]}", "unknown_key", "rootListURL"),
            ("transport: {certificateFile: a}", "invalid_value", "keyFile"),
            ("limits: {bodyBytes: 99999999999}", "wrong_type", "limits.bodyBytes"),
        ])
    func errors(_ yaml: String, _ code: String, _ mention: String) throws {
        let error = #expect(throws: ConfigurationError.self) { try BrokerConfiguration(yaml: yaml, source: "file") }
        #expect(error?.code == code)
        #expect(error?.message.contains(mention) == true)
        #expect(error?.message.hasPrefix("file") == true)
    }

    @Test(
        "KBS 12.6.29: there is no mode that lets everybody in, and unknown modes and unknown or old keys are refused",
        arguments: [
            "admin: {mode: AllowAll}", "admin: {mode: InsecureAllowAll}", "admin: {mode: denyall}",
            "admin: {mode: 1}",
            "admin: {type: DenyAll}", "admin: {authorization_mode: DenyAll}", "admin: {mode: DenyAll, more: 1}",
            "admin: DenyAll",
        ])
    func adminModes(_ yaml: String) throws {
        #expect(throws: ConfigurationError.self) { try BrokerConfiguration(yaml: yaml, source: "file") }
        #expect(try BrokerConfiguration(yaml: "admin: {}", source: "file").admin.mode == .denyAll)
    }

    @Test(
        "KBS 12.6.30: an authenticated mode without identity providers, or with ones without a key, is refused",
        arguments: [
            "{mode: AuthenticatedAuthorization}", "{mode: AuthenticatedAuthorization, identityProviders: []}",
            "{mode: AuthenticatedAuthorization, identityProviders: [{issuer: a, audience: b}]}",
            "{mode: AuthenticatedAuthorization, identityProviders: [{audience: b, publicKeyFile: f}]}",
            "{mode: AuthenticatedAuthorization, identityProviders: [{issuer: a, publicKeyFile: f}]}",
            "{authentication: {type: BearerJwt}}",
        ])
    func identityProviders(_ admin: String) {
        #expect(throws: ConfigurationError.self) {
            try BrokerConfiguration(yaml: "admin: \(admin)", source: "file")
        }
    }

    @Test("KBS 12.4.21 and 12.5.26: a part of a section takes the defaults for the rest")
    func partialSections() throws {
        var expected = BrokerConfiguration()
        expected.token.issuer = "me"
        #expect(try BrokerConfiguration(yaml: "token: {issuer: me}", source: "file") == expected)
        expected = BrokerConfiguration()
        expected.session.challengeLifetime = .seconds(60)
        #expect(try BrokerConfiguration(yaml: "session: {challengeLifetime: 1m}", source: "file") == expected)
        expected = BrokerConfiguration()
        expected.admin.accessList = []
        #expect(try BrokerConfiguration(yaml: "admin: {mode: DenyAll, accessList: []}", source: "file") == expected)
        #expect(BrokerConfiguration().token.lifetime == .seconds(300))
        let longer = try BrokerConfiguration(yaml: "token: {lifetime: 2h}", source: "file").token
        #expect(longer.rotationOverlap == .seconds(7_200))
    }

    @Test(
        "KBS 12.5.27: certificate and key belong together, and there are no settings that weaken TLS",
        arguments: [
            "{certificateFile: a}", "{keyFile: a}", "{certificateFile: a, keyFile: \"\"}",
            "{certificateFile: a, keyFile: b, profile: old}", "{certificateFile: a, keyFile: b, minimumVersion: 1.0}",
            "{insecurePlaintext: 1}",
        ])
    func transport(_ transport: String) throws {
        #expect(throws: ConfigurationError.self) {
            try BrokerConfiguration(yaml: "transport: \(transport)", source: "file")
        }
        let good = try BrokerConfiguration(
            yaml: "transport: {certificateFile: a, keyFile: b}", source: "file"
        ).transport
        #expect(good.certificateFile == "a" && good.keyFile == "b" && !good.insecurePlaintext)
    }

    @Test("what is let in of hardware evidence is read, and what is misspelt is refused")
    func verifiers() throws {
        let pem = try SigningKey.generate(.es256).publicPEM
        let key = pem.split(separator: "\n").filter { !$0.hasPrefix("-") }.joined()
        let text = """
            verifiers:
              kinds: [snp, tdx]
              snp:
                vmpls: [0, 1]
                version2Products: [Milan]
                providers: ["CN=cloud"]
                minimumTCB: [{product: Genoa, bootloader: 9, snp: 21, microcode: 70}]
                requireRevocationList: false
                revocationGrace: 30d
              intel: {channel: standard, grace: 1h, minimumEvaluationNumber: 17}
              tdx: {allowProfiling: true}
              azure: {minimumVersion: 2}
              tpm: {refuseUnknownKeys: true, trustedKeys: ["\(key)"]}
            """
        let read = try BrokerConfiguration(yaml: text, source: "file").verifiers
        #expect(read.kinds == [.snp, .tdx])
        #expect(read.snp.vmpls == [0, 1])
        #expect(read.snp.version2Products == [.milan])
        #expect(read.snp.minimumTCB[.genoa] == SNPTCBLevels(bootloader: 9, tee: 0, snp: 21, microcode: 70))
        #expect(!read.snp.requiresRevocationList)
        #expect(read.intel.channel == .standard)
        #expect(read.tdx.allowsProfiling)
        #expect(!read.tdx.allowsDebug)
        #expect(read.azureMinimumVersion == 2)
        #expect(read.tpmRefusesUnknownKeys)
        #expect(try read.tpmTrustedKeys == [Base64.decode(key)])
        for wrong in [
            "kinds: [sample]", "kinds: [sev-es]", "snp: {vmpls: [4]}", "snp: {version2Products: [Rome]}",
            "intel: {channel: late}", "tdx: {serviceTDs: [00]}", "azure: {minimumVersion: 3}", "snp: {debug: true}",
            "snp: {minimumTCB: [{product: Milan, bootloader: 256}]}", "tpm: {trustedKeys: [AAAA]}",
        ] {
            #expect(throws: ConfigurationError.self, "\(wrong)") {
                try BrokerConfiguration(yaml: "verifiers: {\(wrong)}", source: "file")
            }
        }
    }

    @Test("an empty file gives the defaults")
    func empty() throws {
        #expect(try BrokerConfiguration(yaml: "", source: "file") == BrokerConfiguration())
        #expect(try BrokerConfiguration(yaml: "token:\n", source: "file") == BrokerConfiguration())
    }

    @Test("protocol versions that do not exist are refused at start", arguments: ["0.5.0", "latest"])
    func protocolVersions(_ version: String) {
        var configuration = ProtocolConfiguration()
        configuration.minimumVersion = version
        #expect(throws: ConfigurationError.self) { try ProtocolVersionRules(configuration) }
    }
}
