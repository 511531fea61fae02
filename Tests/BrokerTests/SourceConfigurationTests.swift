import Policy
import Testing

@testable import Broker

@Suite("Configuration of sources and of clusters")
struct SourceConfigurationTests {
    @Test(
        "sources are read with what they may have; held to namespaces they have nothing of the whole cluster by default"
    )
    func sources() throws {
        let configuration = try BrokerConfiguration(
            yaml: """
                policies:
                  sources:
                    - {name: east, namespaces: [payments, "team-*"]}
                    - {name: west, kinds: [ReleasePolicy], namespaces: [a], cluster: true}
                    - {name: all, adopt: true}
                    - {name: south, kinds: [ReleasePolicy], secrets: true}
                    - {name: north, secrets: false}
                """, source: "test")
        let sources = configuration.policies.sources
        #expect(sources.map(\.name) == ["east", "west", "all", "south", "north"])
        #expect(sources.map(\.allowsCluster) == [false, true, true, true, true])
        #expect(sources.map(\.allowsAdopting) == [false, false, true, false, false])
        #expect(sources.map(\.allowsSecrets) == [true, false, true, true, false])
        #expect(sources[0].objection(kind: .releasePolicy, namespace: "team-a") == nil)
        #expect(sources[0].objection(kind: .releasePolicy, namespace: "team") != nil)
        #expect(sources[0].objection(kind: .releasePolicy, namespace: "payments2") != nil)
        #expect(sources[0].objection(kind: .referenceValues, namespace: nil)?.code == "cluster_not_allowed")
        #expect(sources[1].objection(kind: .appraisalPolicy, namespace: nil)?.code == "kind_not_allowed")
        #expect(sources[2].objection(kind: .clusterReleasePolicy, namespace: nil) == nil)
    }

    @Test(
        "settings of sources that mean nothing are errors",
        arguments: [
            "{}", "{name: A}", "{name: bundle/x}", "{name: a, kinds: [Secret]}", "{name: a, namespaces: [\"*a\"]}",
            "{name: a, namespaces: [\"a*b\"]}", "{name: a, color: red}", "{name: a, cluster: perhaps}",
            "{name: a, adopt: perhaps}", "{name: a, secrets: perhaps}", "{name: a, secrets: false, adopt: true}",
            "{name: a, kinds: [ReleasePolicy], adopt: true}", "{name: a}, {name: a}",
        ])
    func badSources(_ sources: String) {
        #expect(throws: ConfigurationError.self) {
            try BrokerConfiguration(yaml: "policies: {sources: [\(sources)]}", source: "test")
        }
    }

    private static func provider(_ cluster: String) throws -> IdentityProviderConfiguration {
        let yaml = "admin: {mode: AuthenticatedAuthorization, identityProviders: [{kubernetes: {\(cluster)}}]}"
        return try #require(try BrokerConfiguration(yaml: yaml, source: "test").admin.identityProviders.first)
    }

    private static let roles = "roles: [{subject: \"system:serviceaccount:a:b\", role: controller}]"

    @Test("a cluster is an identity provider with a file of keys, or one that is asked for them")
    func clusters() throws {
        let file = try Self.provider("issuer: x, audience: y, jwkSetFile: /keys, \(Self.roles)")
        #expect(file.jwkSetFile == "/keys" && file.kubernetes?.discovers == false)
        #expect(file.kubernetes?.roles == [.init(subject: "system:serviceaccount:a:b", role: "controller")])
        let asked = try Self.provider(
            "issuer: \"https://x\", audience: y, discovery: true, caFile: /ca, tokenFile: /token, \(Self.roles)")
        #expect(asked.kubernetes?.discovers == true && asked.kubernetes?.certificateFile == "/ca")
        #expect(asked.issuer == "https://x" && asked.audience == "y" && asked.kubernetes?.tokenFile == "/token")
    }

    @Test(
        "a cluster without keys, without a pinned authority, or with subjects that are no accounts is an error",
        arguments: [
            "issuer: x, audience: y, ROLES", "issuer: x, audience: y, jwkSetFile: /k",
            "issuer: x, audience: y, jwkSetFile: /k, roles: []", "audience: y, jwkSetFile: /k, ROLES",
            "issuer: x, jwkSetFile: /k, ROLES", "issuer: x, audience: y, discovery: true, caFile: /c, ROLES",
            "issuer: \"http://x\", audience: y, discovery: true, caFile: /c, ROLES",
            "issuer: \"https://x\", audience: y, discovery: true, ROLES",
            "issuer: \"https://x\", audience: y, discovery: true, caFile: /c, jwkSetFile: /k, ROLES",
            "issuer: x, audience: y, jwkSetFile: /k, caFile: /c, ROLES",
            "issuer: x, audience: y, jwkSetFile: /k, roles: [{subject: \"a:b\", role: r}]",
            "issuer: x, audience: y, jwkSetFile: /k, roles: [{subject: \"system:serviceaccount:a:\", role: r}]",
            "issuer: x, audience: y, jwkSetFile: /k, roles: [{subject: \"system:serviceaccount:a:*:c\", role: r}]",
            "issuer: x, audience: y, jwkSetFile: /k, more: 1, ROLES",
        ])
    func badClusters(_ cluster: String) {
        #expect(throws: ConfigurationError.self) {
            try Self.provider(cluster.replacing("ROLES", with: Self.roles))
        }
    }

    @Test("beside a cluster a provider has no settings of its own")
    func mixed() {
        #expect(throws: ConfigurationError.self) {
            try BrokerConfiguration(
                yaml: """
                    admin:
                      mode: AuthenticatedAuthorization
                      identityProviders:
                        - kubernetes: {issuer: x, audience: y, jwkSetFile: /k, \(Self.roles)}
                          publicKeyFile: /admin.pem
                    """, source: "test")
        }
    }
}
