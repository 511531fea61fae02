import Encodings
import EvidenceSimulator
import Foundation
import RATS
import Testing
import X509TestSupport
import X509Trust

@testable import Verification

@Suite("CCA: attacks")
struct CCAAttackTests {
    private let digest = [UInt8](repeating: 0xD1, count: 48)

    private func refusal(
        _ realm: SimulatedRealm, endorsed: CCAEndorsements? = nil,
        _ change: (inout CCAVerifier.Options) -> Void = { _ in }
    ) async throws -> String? {
        var options = CCAVerifier.Options(endorsements: endorsed ?? realm.endorsements)
        change(&options)
        return await CCAVerifier(options).refusal(
            try realm.evidence(bound: digest), EvidenceBinding(reportData: [digest]))
    }

    private func refusal(token: [UInt8], _ realm: SimulatedRealm) async -> String? {
        await CCAVerifier(CCAVerifier.Options(endorsements: realm.endorsements)).refusal(
            CCAVectors.evidence(token), EvidenceBinding(reportData: [digest]))
    }

    /// A token of these two, which may be of different ones.
    private func collection(_ platform: CBORValue?, _ realm: CBORValue?) -> [UInt8] {
        var map = CBORMap()
        map[44_234] = platform
        map[44_241] = realm
        return CBORValue.tagged(399, .map(map)).encoded
    }

    @Test("both profiles are believed with keys on each curve, bare or behind their media type")
    func good() async throws {
        for profile in SimulatedRealm.Profile.allCases {
            for curve in PublicKey.Curve.allCases {
                var realm = try SimulatedRealm(profile, platformCurve: curve, realmCurve: curve)
                #expect(try await refusal(realm) == nil)
                realm.isWrapped = true
                #expect(try await refusal(realm) == nil)
            }
        }
        #expect(try await refusal(SimulatedRealm(.legacy, platformCurve: .p256, realmCurve: .p521)) == nil)
    }

    @Test("8g: a realm token alone, which signs itself, proves nothing")
    func selfSigned() async throws {
        let realm = try SimulatedRealm()
        let stranger = try SimulatedRealm()
        #expect(try await refusal(stranger, endorsed: realm.endorsements) == "signature_invalid")
        #expect(try await refusal(realm, endorsed: CCAEndorsements()) == "key_not_trusted")
        #expect(try await refusal(realm.twin { $0.isBound = false }) == "key_not_bound")
        // The realm's key swapped for the attacker's own: the platform's word is about another.
        let token = try CBORValue(parsing: realm.token(bound: digest))
        let forged = try CBORValue(parsing: stranger.token(bound: digest))
        let parts = try #require(token.tagged(399)?.mapValue)
        let others = try #require(forged.tagged(399)?.mapValue)
        let spliced = collection(parts[44_234], others[44_241])
        #expect(await refusal(token: spliced, realm) == "key_not_bound")
        #expect(await refusal(token: collection(nil, parts[44_241]), realm) == "malformed_evidence")
        #expect(await refusal(token: collection(parts[44_234], nil), realm) == "malformed_evidence")
    }

    @Test(
        "8g: the binding is over the key's bytes as they stand in the token, not over another spelling of the same key")
    func spelling() async throws {
        let realm = try SimulatedRealm()
        let bytes = try #require(realm.realm[44_237]?.bytesValue)
        let map = try #require(CBORValue(parsing: bytes).mapValue)
        // The same key with its members in another order.
        let turned = CBORValue.map(CBORMap(map.keys.reversed().compactMap { key in map[key].map { (key, $0) } }))
        #expect(turned.encoded != bytes)
        let other = realm.twin { $0.realm[44_237] = .bytes(turned.encoded) }
        #expect(try await refusal(other) == nil, "the platform vouches for these bytes")
        let token = try #require(CBORValue(parsing: realm.token(bound: digest)).tagged(399)?.mapValue)
        let respelled = try #require(CBORValue(parsing: other.token(bound: digest)).tagged(399)?.mapValue)
        let spliced = collection(token[44_234], respelled[44_241])
        #expect(await refusal(token: spliced, realm) == "key_not_bound")
    }

    @Test("8g: a key is used with the algorithm of its curve only, and a raw point does not pass under the new profile")
    func curves() async throws {
        let realm = try SimulatedRealm(.current)
        let bytes = try #require(realm.realm[44_237]?.bytesValue)
        var map = try #require(CBORValue(parsing: bytes).mapValue)
        map[3] = -7
        let confused = realm.twin { $0.realm[44_237] = .bytes(CBORValue.map(map).encoded) }
        #expect(try await refusal(confused) == "signature_invalid")
        map[3] = -35
        let stated = realm.twin { $0.realm[44_237] = .bytes(CBORValue.map(map).encoded) }
        #expect(try await refusal(stated) == nil)
        let raw = try realm.twin { $0.realm[44_237] = .bytes(try SimulatedRealm.keyBytes($0.realmKey, .legacy)) }
        #expect(try await refusal(raw) == "malformed_evidence")
        let legacy = try SimulatedRealm(.legacy)
        let cose = try legacy.twin { $0.realm[44_237] = .bytes(try SimulatedRealm.keyBytes($0.realmKey, .current)) }
        #expect(try await refusal(cose) == "malformed_evidence")
    }

    @Test("8g: an instance identifier counts with its make only, so that one maker's machine is not another's")
    func collisions() async throws {
        let realm = try SimulatedRealm()
        let other = CCAEndorsements(
            anchors: realm.endorsements.anchors.map {
                CCAEndorsements.TrustAnchor(
                    implementationID: [UInt8](repeating: 0x77, count: 32), instanceID: $0.instanceID, key: $0.key)
            }, releases: realm.endorsements.releases)
        #expect(try await refusal(realm, endorsed: other) == "key_not_trusted")
    }

    @Test("8g: firmware lists that are empty, lack a part, or have one that nobody knows are refused")
    func components() async throws {
        let realm = try SimulatedRealm()
        let lists: [(CBORValue, String)] = [
            ([], "malformed_evidence"), ([SimulatedRealm.component("RMM", 1)], "firmware_not_endorsed"),
            ([SimulatedRealm.component("RMM", 1), SimulatedRealm.component("BL2", 3)], "firmware_not_endorsed"),
            (
                [
                    SimulatedRealm.component("RMM", 1), SimulatedRealm.component("BL2", 2),
                    SimulatedRealm.component("EXTRA", 9),
                ], "firmware_not_endorsed"
            ),
            ([SimulatedRealm.component("BL2", 1), SimulatedRealm.component("RMM", 2)], "firmware_not_endorsed"),
        ]
        for (list, code) in lists {
            #expect(try await refusal(realm.twin { $0.platform[2399] = list }) == code)
        }
        let settings = realm.twin { $0.platform[2401] = .bytes([1]) }
        #expect(try await refusal(settings) == "firmware_not_endorsed")
        #expect(try await refusal(settings) { $0.requiresEndorsedFirmware = false } == nil)
    }

    @Test("8g: a machine that can be debugged is refused unless that is let in")
    func lifecycle() async throws {
        let realm = try SimulatedRealm()
        for state: CBORValue in [0, 0x2fff, 0x3100, 0x4000, 0x5000, 0x6000, 0xffff] {
            let twin = realm.twin { $0.platform[2395] = state }
            #expect(try await refusal(twin) == "debug_enabled")
            #expect(try await refusal(twin) { $0.allowsUnsecured = true } == nil)
        }
        for state: CBORValue in [0x3000, 0x30ff] {
            #expect(try await refusal(realm.twin { $0.platform[2395] = state }) == nil)
        }
        for state: CBORValue in [0x1_3000, -1, "secured"] {
            #expect(try await refusal(realm.twin { $0.platform[2395] = state }) == "malformed_evidence")
        }
    }

    @Test("8g: claims that stand twice, lengths that are not told and nested tags are refused")
    func encodings() async throws {
        let realm = try SimulatedRealm()
        let token = try #require(CBORValue(parsing: realm.token(bound: digest)).tagged(399)?.mapValue)
        let payload = CBORValue.map(realm.realm).encoded
        // The first claim once more at the end, and one claim more in the count.
        let twice = [payload[0] + 1] + payload[1...] + [0x0a, 0x41, 0]
        let unended = [0xbf] + payload[1...] + [0xff]
        for bytes in [twice, unended] {
            let message = CBORValue.bytes(try SimulatedRealm.signed(payload: bytes, by: realm.realmKey))
            let changed = collection(token[44_234], message)
            #expect(await refusal(token: changed, realm) == "malformed_evidence")
        }
        let good = try realm.token(bound: digest)
        let item = try CBORValue(parsing: good)
        #expect(await refusal(token: CBORValue.tagged(399, item).encoded, realm) == "malformed_evidence")
        #expect(await refusal(token: CBORValue.tagged(18, .map(token)).encoded, realm) == "malformed_evidence")
        #expect(await refusal(token: CBORValue.map(token).encoded, realm) == "malformed_evidence")
        var third = token
        third[1] = 1
        #expect(await refusal(token: CBORValue.tagged(399, .map(third)).encoded, realm) == "malformed_evidence")
    }

    @Test("settings that the release says nothing of are not endorsed")
    func settings() async throws {
        let realm = try SimulatedRealm()
        let silent = CCAEndorsements(
            anchors: realm.endorsements.anchors,
            releases: realm.endorsements.releases.map {
                CCAEndorsements.Release(implementationID: $0.implementationID, components: $0.components)
            })
        let changed = realm.twin { $0.platform[2401] = .bytes([1]) }
        for (realm, endorsements, isEndorsed) in [
            (realm, realm.endorsements, true), (realm, silent, false), (changed, silent, false),
        ] {
            let verifier = CCAVerifier(CCAVerifier.Options(endorsements: endorsements))
            let all = try await verifier.verify(
                realm.evidence(bound: digest), binding: EvidenceBinding(reportData: [digest]),
                context: VerificationContext())
            let platform = all.first?.claims["platform"]
            #expect(platform?["cca-platform-sw-components-endorsed"] == true)
            #expect(platform?["cca-platform-config-endorsed"] == .bool(isEndorsed))
        }
    }

    @Test("profiles that are not known are refused, also look-alikes")
    func profiles() async throws {
        let realm = try SimulatedRealm()
        for profile: CBORValue in ["http://arm.com/PSA-SSD/1.0.0", "tag:arm.com,2023:cca_platform#1.0.1"] {
            #expect(try await refusal(realm.twin { $0.platform[265] = profile }) == "unsupported_version")
            #expect(try await refusal(realm.twin { $0.realm[265] = profile }) == "unsupported_version")
        }
        #expect(try await refusal(realm.twin { $0.realm[44_240] = "sha-1" }) == "malformed_evidence")
        #expect(try await refusal(realm.twin { $0.platform[2402] = "none" }) == "malformed_evidence")
        #expect(
            try await refusal(realm.twin { $0.platform[256] = .bytes([2] + Array(repeating: 1, count: 32)) })
                == "malformed_evidence")
    }

    @Test("the nonce and the init-data are held against the realm's token, padded and never cut")
    func binding() async throws {
        let realm = try SimulatedRealm()
        let verifier = CCAVerifier(CCAVerifier.Options(endorsements: realm.endorsements))
        let evidence = try realm.evidence(bound: digest, initData: [UInt8](repeating: 7, count: 48))
        for (reportData, initData, code) in [
            (digest, nil, nil), (digest, [UInt8](repeating: 7, count: 48), nil),
            (Array(digest.dropLast()), nil, "report_data_mismatch"), ([], nil, "report_data_mismatch"),
            (digest + [UInt8](repeating: 0, count: 17), nil, "report_data_mismatch"),
            (digest, [UInt8](repeating: 7, count: 47), "init_data_mismatch"),
        ] as [([UInt8], [UInt8]?, String?)] {
            let binding = EvidenceBinding(reportData: [reportData], initDataDigest: initData)
            #expect(await verifier.refusal(evidence, binding) == code)
        }
    }

    @Test("A60: a manifest counts when one of the keys that may sign it signed it, and in the period of its signature")
    func signedManifests() async throws {
        let realm = try SimulatedRealm()
        let maker = try TestKey.generate(.ec(.p256))
        let manifest = try Vectors.bytes("cca/corim/cca-endorsements.cbor")
        func signed(_ header: CBORValue, payload: [UInt8]) throws -> [UInt8] {
            let bytes = header.encoded
            let signature = try maker.sign(
                COSESign1.signingInput(protected: bytes, payload: payload), .ecdsaRaw(.sha256))
            return CBORValue.tagged(18, [.bytes(bytes), [:], .bytes(payload), .bytes(signature)]).encoded
        }
        let meta: CBORValue = [0: [0: "ACME"], 1: [1: .tagged(1, 1_650_000_000)]]
        let header: CBORValue = [1: -7, 3: "application/rim+cbor", 8: .bytes(meta.encoded)]
        let good = try signed(header, payload: manifest)
        let make = try #require(CCAEndorsements(unsignedManifest: manifest).anchors.first?.implementationID)
        func signer(_ key: PublicKey, _ makes: Set<[UInt8]>? = nil) -> CCAEndorsements.ManifestSigner {
            CCAEndorsements.ManifestSigner(key: key, implementationIDs: makes ?? [make])
        }
        let found = try CCAEndorsements(signedManifest: good, by: [signer(maker.publicKey)])
        #expect(found.anchors.first?.validity?.upperBound == Date(timeIntervalSince1970: 1_650_000_000))
        #expect(found.releases.count == 1 && found.anchors.count == 1)
        func code(_ bytes: [UInt8], _ keys: [PublicKey], _ makes: Set<[UInt8]>? = nil) -> String? {
            do throws(CCAEndorsementError) {
                _ = try CCAEndorsements(signedManifest: bytes, by: keys.map { signer($0, makes) })
                return nil
            } catch {
                return error.code
            }
        }
        #expect(code(good, [realm.platformKey.publicKey]) == "endorsements_not_trusted")
        #expect(code(good, []) == "endorsements_not_trusted")
        // The word of a maker counts about its own machines alone, also beside the maker whose machines they are.
        let others: Set<[UInt8]> = [[UInt8](repeating: 7, count: 32)]
        #expect(code(good, [maker.publicKey], others) == "endorsements_not_trusted")
        let owner = signer(realm.platformKey.publicKey)
        #expect(throws: CCAEndorsementError.self) {
            try CCAEndorsements(signedManifest: good, by: [signer(maker.publicKey, others), owner])
        }
        #expect(code(manifest, [maker.publicKey]) == "malformed_endorsements")
        #expect(
            code(try signed([1: -7, 3: "application/eat+cwt"], payload: manifest), [maker.publicKey])
                == "malformed_endorsements")
        #expect(code(try signed([1: -7], payload: manifest), [maker.publicKey]) == "malformed_endorsements")
        for mutant in Mutants.bits(good, every: 11) {
            #expect(code(mutant, [maker.publicKey]) != nil)
        }
    }

    @Test("stores that cannot be read are refused, and one that holds private keys")
    func stores() throws {
        let anchors = try #require(Vectors.json("cca/keys/tastore.json").arrayValue)
        let anchor = try #require(anchors.first?.objectValue)
        var key = try #require(anchor["pkey"]?.objectValue)
        key["d"] = "AA"
        var leaked = anchor
        leaked["pkey"] = .object(key)
        var short = anchor
        short["instance-id"] = "0102"
        for value in [[.object(leaked)], [.object(short)], ["x"], ["a": 1]] as [JSONValue] {
            #expect(throws: CCAEndorsementError.self) { try CCAEndorsements(trustAnchors: value) }
        }
        for value in [[], ["platform": [["implementation-id": "00"]]], ["platform": 1]] as [JSONValue] {
            #expect(throws: CCAEndorsementError.self) { try CCAEndorsements(referenceValues: value) }
        }
    }
}
