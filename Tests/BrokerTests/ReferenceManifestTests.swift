import BrokerTestSupport
import Encodings
import Foundation
import JOSE
import Storage
import Testing
import Verification
import X509Trust

@testable import Broker

/// Somebody who signs manifests with a key of his own.
struct ManifestMaker {
    let key: SigningKey
    let publicKey: PublicKey

    init() throws {
        key = try SigningKey.generate(.es256)
        publicKey = try PublicKey(pem: key.publicPEM)
    }

    /// What a broker lets him say.
    func signer(_ names: [String], name: String = "ci") -> ReferenceSigner {
        ReferenceSigner(name: name, format: .inToto, identity: .keys([publicKey]), names: names)
    }

    func manifest(
        _ values: [(name: String, value: JSONValue)], name: String = "payments-guest", version: Int64 = 1,
        at date: Date, until end: Date? = nil
    ) throws -> [UInt8] {
        let statement = ReferenceStatement(
            name: name, version: version, issuedAt: date, validUntil: end, builtBy: "builder 7",
            subject: ("payments-guest", Array(repeating: 7, count: 32)), values: values)
        return statement.envelope(signature: try key.sign(statement.signingInput))
    }
}

@Suite("Signed manifests that a broker imports")
struct ReferenceManifestTests {
    private let maker: ManifestMaker

    init() throws { maker = try ManifestMaker() }

    private func broker(
        _ signers: [ReferenceSigner]? = nil, requiresSignatures: Bool = false,
        policies: String = TestPolicies.stream(TestPolicies.appraisal, TestPolicies.affirmingOnly)
    ) async throws -> TestBroker {
        let signers = signers ?? [maker.signer(["launch_digest", "svn", "major_version", "minimum_*"])]
        return try await TestBroker.make(policies: policies) {
            $0.referenceValues.signers = signers
            $0.referenceValues.requiresSignatures = requiresSignatures
        }
    }

    private static let sample: [(name: String, value: JSONValue)] = [
        ("launch_digest", ["abcde"]), ("svn", ["1"]), ("major_version", 1), ("minimum_minor_version", 1),
    ]

    private func code(_ test: TestBroker, _ manifest: [UInt8]) async throws -> String? {
        try await brokerError {
            _ = try await test.broker.importReferenceManifest(manifest, dryRun: false, by: "eve")
        }?.code
    }

    private func row(_ test: TestBroker, _ name: String) async throws -> JSONValue? {
        try await test.broker.referenceValueList()["referenceValues"]?.arrayValue?.first { $0["name"] == .string(name) }
    }

    @Test("a key is released by values that came in a signed manifest, and no longer when they are over")
    func released() async throws {
        let test = try await broker()
        try await test.put("a/b/c", "secret")
        let guest = try SampleGuest()
        let before = try await brokerError {
            _ = try await test.release("a/b/c", cookie: test.attest(guest).cookie.value)
        }
        #expect(before?.kind == .denied)
        let now = test.clock.now
        let manifest = try maker.manifest(Self.sample, at: now, until: now.addingTimeInterval(86_400))
        let dry = try await test.broker.importReferenceManifest(manifest, dryRun: true, by: "eve")
        #expect(dry["change"] == "created" && dry["signer"] == "ci")
        #expect(try await row(test, "launch_digest") == nil)
        let answer = try await test.broker.importReferenceManifest(manifest, dryRun: false, by: "eve")
        #expect(answer["change"] == "created" && answer["version"] == 1 && answer["manifest"] == "payments-guest")
        #expect(try await test.get("a/b/c", test.attest(guest), guest) == "secret")

        let value = try await row(test, "launch_digest")
        #expect(value?["document"] == "ReferenceValues/-/signed-ci" && value?["counts"] == true)
        #expect(value?["provenance"]?["source"] == "in-toto manifest payments-guest, version 1")
        #expect(value?["provenance"]?["signedBy"]?.stringValue?.hasPrefix("ci, sha256:") == true)
        #expect(value?["provenance"]?["builtBy"] == "builder 7")
        #expect(value?["description"]?.stringValue?.hasPrefix("payments-guest 0707") == true)
        let again = try await test.broker.importReferenceManifest(manifest, dryRun: false, by: "eve")
        #expect(again["change"] == "unchanged")
        let list = try await test.broker.referenceManifestList()["manifests"]?.arrayValue
        #expect(list?.count == 1 && list?.first?["importedBy"] == "eve" && list?.first?["version"] == 1)

        test.clock.advance(by: 90_000)
        let over = try await brokerError {
            _ = try await test.release("a/b/c", cookie: test.attest(guest).cookie.value)
        }
        #expect(over?.kind == .denied)
        #expect(try await code(test, manifest) == "manifest_expired")
    }

    @Test("A60: a signer sets the names that were granted to him, in his namespace, and no others")
    func grants() async throws {
        var tenant = maker.signer(["fw/*", "svn"])
        tenant.namespace = "payments"
        tenant.manifests = ["payments-*"]
        tenant.renames = ["serial": "fw/serial"]
        let test = try await broker([tenant], policies: TestPolicies.appraisal)
        let now = test.clock.now
        let foreign: [[(name: String, value: JSONValue)]] = [
            [("launch_digest", ["abcde"])], [("fw/a", ["1"]), ("launch_digest", ["abcde"])], [("fw", ["1"])],
            [("svn2", ["1"])], [("fw/serial", 1), ("serial", 2)],
        ]
        for values in foreign {
            #expect(try await code(test, maker.manifest(values, at: now)) == "name_not_granted", "\(values)")
        }
        #expect(
            try await code(test, maker.manifest([("svn", ["1"])], name: "other", at: now)) == "manifest_not_granted")
        #expect(try await test.broker.referenceManifestList()["manifests"] == [])
        let good = try maker.manifest([("fw/a", ["1"]), ("serial", 2)], at: now)
        #expect(try await code(test, good) == nil)
        let value = try await row(test, "fw/serial")
        #expect(value?["document"] == "ReferenceValues/payments/signed-ci" && value?["namespace"] == "payments")
    }

    @Test("A60: absent, wrong and foreign signatures are refused, and nothing is stored")
    func signatures() async throws {
        let test = try await broker()
        let now = test.clock.now
        let stranger = try ManifestMaker()
        #expect(try await code(test, stranger.manifest(Self.sample, at: now)) == "untrusted_signer")
        var damaged = try maker.manifest(Self.sample, at: now)
        damaged[damaged.count / 2] ^= 1
        #expect(try await code(test, damaged) != nil)
        #expect(try await code(test, Array("{}".utf8)) == "malformed_manifest")
        #expect(try await code(test, []) == "malformed_manifest")
        #expect(try await code(broker([]), maker.manifest(Self.sample, at: now)) == "untrusted_signer")
        #expect(try await row(test, "svn") == nil)
    }

    @Test("A60: an older version of a manifest is refused, also after its document was removed")
    func downgrade() async throws {
        var signer = maker.signer(["launch_digest"])
        signer.minimumVersion = 2
        let test = try await broker([signer])
        let now = test.clock.now
        func manifest(_ version: Int64, _ digest: JSONValue = "abcde") throws -> [UInt8] {
            try maker.manifest([("launch_digest", [digest])], version: version, at: now)
        }
        #expect(try await code(test, manifest(1)) == "manifest_downgrade")
        #expect(try await code(test, manifest(5)) == nil)
        #expect(try await code(test, manifest(4)) == "manifest_downgrade")
        #expect(try await code(test, manifest(5, "other")) == "manifest_downgrade")
        try await test.broker.deletePolicy(
            PolicyName(kind: "ReferenceValues", namespace: nil, name: "signed-ci"), by: "eve")
        #expect(try await code(test, manifest(4)) == "manifest_downgrade")
        #expect(try await code(test, manifest(6, "newer")) == nil)
        #expect(try await row(test, "launch_digest")?["value"] == ["newer"])
    }

    @Test(
        "what a later version takes the place of goes at once, or counts as deprecated for as long as the operator says"
    )
    func superseded() async throws {
        var signer = maker.signer(["launch_digest"])
        signer.keepsSuperseded = .seconds(3_600)
        let test = try await broker([signer])
        for (version, digest) in [(Int64(1), JSONValue("abcde")), (2, "fghij")] {
            let manifest = try maker.manifest([("launch_digest", [digest])], version: version, at: test.clock.now)
            _ = try await test.broker.importReferenceManifest(manifest, dryRun: false, by: "eve")
        }
        func standing() async throws -> [JSONValue] {
            let rows = try await test.broker.referenceValueList()["referenceValues"]?.arrayValue ?? []
            return rows.map { [$0["value"] ?? .null, $0["state"] ?? .null, $0["counts"] ?? .null] }
        }
        #expect(try await standing() == [[["abcde"], "deprecated", true], [["fghij"], "accepted", true]])
        test.clock.advance(by: 4_000)
        #expect(try await standing() == [[["abcde"], "deprecated", false], [["fghij"], "accepted", true]])
    }

    @Test("Microsoft's endorsement of a utility VM is imported under the name that was granted")
    func endorsement() async throws {
        let did = try X509DID(
            "did:x509:0:sha256:I__iuL25oXEVFdTP_aBLx_eT1RPHbCQ_ECBQfYZpt9s::eku:1.3.6.1.4.1.311.76.59.1.2")
        var signer = ReferenceSigner(
            name: "azure", format: .uvm, identity: .certificate(did), names: ["azure_uvm"])
        signer.renames = ["snp_launch_measurement": "azure_uvm"]
        let bytes = try Vector.bytes("manifests/uvm_reference_info.cose")
        // It was signed in February of 2023, and says nothing of an end.
        #expect(try await code(broker([signer]), bytes) == "manifest_expired")
        signer.maximumAge = .seconds(3_650 * 86_400)
        let test = try await broker([maker.signer(["svn"]), signer])
        let answer = try await test.broker.importReferenceManifest(bytes, dryRun: false, by: "eve")
        #expect(answer["manifest"] == "ContainerPlat-AMD-UVM" && answer["version"] == 22)
        let value = try await row(test, "azure_uvm")
        #expect(value?["value"]?.arrayValue?.first?.stringValue?.hasPrefix("51068107cdc7ee3d") == true)
        #expect(value?["expires"]?.stringValue?.hasPrefix("2033-02") == true)
    }

    @Test("where signatures are demanded, unsigned values are refused in every way in; revoking is not")
    func required() async throws {
        let test = try await broker(requiresSignatures: true)
        let document = """
            apiVersion: claviger.dev/v1alpha1
            kind: ReferenceValues
            metadata: {name: mine}
            spec:
              values:
                - {name: launch_digest, values: [abcde], state: accepted}
            """
        let attempts: [@Sendable () async throws -> Void] = [
            { try await test.affirmSample() },
            { try await test.broker.putReferenceValue("svn", value: ["1"], expires: nil, by: "eve") },
            { _ = try await test.broker.applyPolicies(document, dryRun: false, by: "eve") },
        ]
        for attempt in attempts { #expect(try await brokerError(attempt)?.code == "signature_required") }
        _ = try await test.broker.importReferenceManifest(
            maker.manifest(Self.sample, at: test.clock.now), dryRun: false, by: "eve")
        try await test.put("a/b/c", "secret")
        let guest = try SampleGuest()
        #expect(try await test.get("a/b/c", test.attest(guest), guest) == "secret")
        _ = try await test.broker.applyPolicies(
            document.replacing("accepted", with: "revoked"), dryRun: false, by: "eve")
        let revoked = try await brokerError {
            _ = try await test.release("a/b/c", cookie: test.attest(guest).cookie.value)
        }
        #expect(revoked?.kind == .denied)
    }

    @Test("KBS 6.1: messages of type corim and in-toto register what they hold; signed ones need a signer")
    func messages() async throws {
        let test = try await broker()
        func register(_ type: String, _ payload: [UInt8]) async throws -> BrokerError? {
            let message: JSONValue = [
                "version": "0.1.0", "type": .string(type), "payload": .string(Base64.encode(payload)),
            ]
            return try await brokerError {
                try await test.broker.registerReferenceValues(message: message.serialized(), by: "eve")
            }
        }
        #expect(try await register("corim", Vector.bytes("manifests/unsigned-example-corim.cbor")) == nil)
        let name = "ACME/RoadRunner/31fb5abf-023e-4992-aa4e-95f9c1503bfa/digests"
        let stored = try await test.broker.referenceValue(name).arrayValue
        #expect(stored?.count == 3)
        #expect(stored?.last == "a3a5e715f0cc574a73c3f9bebb6bc24f32ffd5b67b387244c2c909da779a1478")
        #expect(try await register("in-toto", maker.manifest(Self.sample, at: test.clock.now)) == nil)
        #expect(try await row(test, "svn")?["document"] == "ReferenceValues/-/signed-ci")
        #expect(
            try await register("in-toto", ManifestMaker().manifest(Self.sample, at: test.clock.now))?.code
                == "untrusted_signer")
        #expect(
            try await register("uvm", Vector.bytes("manifests/uvm_reference_info.cose"))?.code == "malformed_manifest")
        #expect(try await register("corim", [1, 2, 3])?.variant == "RvpsError")
        let unknown = try await register("rpm", [1])
        #expect(unknown?.message.contains("Could not find extractor for rpm") == true)
    }

    @Test(
        "KBS 12.8.52: a value is set, got, listed, overwritten and deleted, by any name but an empty or an endless one")
    func storage() async throws {
        let test = try await TestBroker.make(policies: nil)
        for name in ["svn", "a/b:c..d", "ü"] {
            for value: JSONValue in [["1"], 7] {
                try await test.broker.putReferenceValue(name, value: value, expires: nil, by: "eve")
                #expect(try await test.broker.referenceValue(name) == value)
            }
        }
        #expect(try await test.broker.referenceValues().names == ["a/b:c..d", "svn", "ü"])
        try await test.broker.deleteReferenceValue("svn", by: "eve")
        let gone = try await brokerError { _ = try await test.broker.referenceValue("svn") }
        let again = try await brokerError { try await test.broker.deleteReferenceValue("svn", by: "eve") }
        #expect(gone?.kind == .notFound && again?.kind == .notFound)
        for name in ["", "a\0b", String(repeating: "a", count: 1_025)] {
            let error = try await brokerError {
                try await test.broker.putReferenceValue(name, value: 1, expires: nil, by: "eve")
            }
            #expect(error?.kind == .malformed)
        }
    }

    @Test("who asks for a value is told, with what each policy gets")
    func users() async throws {
        let test = try await broker()
        func users(_ name: String) async throws -> [JSONValue] {
            try await test.broker.referenceValueUsers(name)["users"]?.arrayValue ?? []
        }
        let without = try await users("launch_digest")
        #expect(without.map { $0["policy"] } == ["AppraisalPolicy/-/default-cpu"])
        #expect(without.first?["paths"] == ["spec.rules[0].when[0]"])
        #expect(without.first?["missing"] == "There is no reference value 'launch_digest'.")
        _ = try await test.broker.importReferenceManifest(
            maker.manifest(Self.sample, at: test.clock.now), dryRun: false, by: "eve")
        #expect(try await users("launch_digest").first?["missing"] == .null)
        #expect(try await users("nothing").isEmpty)
    }

    @Test("a measurement is noted when evidence shows it for the first time, with the values that name it")
    func firstSeen() async throws {
        let test = try await broker()
        let guest = try SampleGuest()
        _ = try await test.attest(guest)
        _ = try await test.attest(guest)
        func seen() async throws -> [JSONValue] {
            try await test.broker.measurementList(limit: 10)["measurements"]?.arrayValue ?? []
        }
        let first = try await seen()
        #expect(first.count == 1)
        #expect(first.first?["tee"] == "sample" && first.first?["claim"] == "launch_digest")
        #expect(first.first?["value"] == "abcde" && first.first?["names"] == [])
        #expect(test.metrics.prometheusText().contains("claviger_measurements_first_seen_total{tee_type=\"sample\"} 1"))
        #expect(test.logs.text.contains("a measurement is seen for the first time"))
        // Another broker on the database does not say so again.
        let replica = try await test.replica()
        _ = try await replica.attest(guest)
        #expect(!replica.metrics.prometheusText().contains("claviger_measurements_first_seen_total"))
        _ = try await test.broker.importReferenceManifest(
            maker.manifest(Self.sample, at: test.clock.now), dryRun: false, by: "eve")
        #expect(try await seen().first?["names"] == ["launch_digest"])
    }
}
