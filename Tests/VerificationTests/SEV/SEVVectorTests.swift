import Crypto
import Encodings
import EvidenceSimulator
import Foundation
import RATS
import Testing

@testable import Verification

@Suite("SEV: certificates of real platforms, and known answers")
struct SEVVectorTests {
    @Test("platforms of Naples and Milan lead to AMD's pinned roots")
    func chains() throws {
        let naples = try SEVVectors.outcome(SEVVectors.naples()).get()
        #expect(naples.generation == .naples && naples.chipID.count == 32 && naples.sessionKey.count == 97)
        let milan = try SEVVectors.outcome(SEVVectors.milan()).get()
        #expect(milan.generation == .milan && milan.chipID != naples.chipID)
        // The generation is found also when nothing above the chip was sent.
        var bare = try SEVVectors.milan()
        bare.authorities = nil
        #expect(try SEVVectors.outcome(bare).get() == milan)
    }

    @Test("all five roots are pinned, each with its signing key")
    func roots() throws {
        #expect(SEVAuthorities.amd.pairs.count == SEVGeneration.allCases.count)
        let identifiers = SEVAuthorities.amd.pairs.mapValues { Hex.encode($0.root.keyID).prefix(8) }
        #expect(
            identifiers == [
                .naples: "1bb987c3", .rome: "e6002122", .milan: "94c38e41", .genoa: "9f9d4a8f", .turin: "d05c3a8b",
            ])
    }

    @Test("a root that is cut off is refused, and good again with its signature behind it")
    func truncated() throws {
        let cut = try Vectors.bytes("sev/bad/naples-ark-576.cert")
        #expect(
            refusalCode { () throws(VerificationError) in _ = try SEVAuthorityCertificate(parsing: cut, "It") }
                == "malformed_evidence")
        let known = try #require(SEVAuthorities.amd.pairs[.naples])
        var chain = try SEVVectors.naples()
        chain.authorities = .init(ask: known.signer.bytes, ark: cut)
        #expect(SEVVectors.refusal(chain) == "malformed_evidence")
        chain.authorities?.ark = cut + (try Vectors.bytes("sev/bad/naples-ark.sig"))
        #expect(SEVVectors.refusal(chain) == nil)
    }

    @Test("a chip of one generation is no chip of another's signing key")
    func crossGeneration() throws {
        var chain = try SEVVectors.naples()
        for (generation, pair) in SEVAuthorities.amd.pairs where generation != .naples {
            chain.authorities = .init(ask: pair.signer.bytes, ark: pair.root.bytes)
            #expect(SEVVectors.refusal(chain) == "chain_not_trusted")
            // Nor does a signing key help that stands under another root.
            let naples = try #require(SEVAuthorities.amd.pairs[.naples])
            chain.authorities = .init(ask: pair.signer.bytes, ark: naples.root.bytes)
            #expect(SEVVectors.refusal(chain) == "chain_not_trusted")
            chain.authorities = .init(ask: naples.signer.bytes, ark: pair.root.bytes)
            #expect(SEVVectors.refusal(chain) == "chain_not_trusted")
        }
        let signer = try SEVAuthorityCertificate(parsing: Vectors.bytes("sev/roots/rome/ask.cert"), "It")
        #expect(try !SEVCertificate(parsing: chain.cek, "It").isCertified(by: signer))
    }

    @Test("certificates of two real platforms cannot be mixed")
    func mixed() throws {
        let (one, other) = (try SEVVectors.naples(), try SEVVectors.milan())
        for member in SEVChainMember.allCases.prefix(4) {
            var chain = other
            chain[member] = one[member]
            #expect(SEVVectors.refusal(chain) == "chain_not_trusted", "\(member)")
        }
    }

    @Test("the keys of a session are derived, wrapped and used as the recorded ones")
    func session() throws {
        let answers = try Vectors.json("sev/session-kat.json")
        func bytes(_ name: String) throws -> [UInt8] { try Hex.decode(#require(answers[name]?.stringValue)) }
        let keys = try SEVKeys.Agreed(secret: bytes("shared_secret_z"), nonce: bytes("nonce"))
        #expect(try keys.master == bytes("master_secret"))
        #expect(try keys.encryption == bytes("kek") && keys.integrity == bytes("kik"))
        let wrapped = try SEVKeys.counterMode(bytes("tek_tik"), key: keys.encryption, vector: bytes("wrap_iv"))
        #expect(try wrapped == bytes("wrap_tk"))
        #expect(try SEVKeys.code(wrapped, key: keys.integrity) == bytes("wrap_mac"))
        let zero = [UInt8](repeating: 0, count: 16)
        #expect(try SEVKeys.code([0, 0, 0, 0], key: zero) == bytes("policy_mac_tik0_policy0"))
    }

    @Test("packets of secrets are sevctl's to the byte, and no larger than a platform takes")
    func secrets() throws {
        let cases = try #require(Vectors.json("sev/sevctl/cases.json")["secret"]?.arrayValue)
        func file(_ value: JSONValue?) throws -> [UInt8] {
            try Vectors.bytes("sev/sevctl/\(#require(value?.stringValue))")
        }
        func base64(_ value: JSONValue?) throws -> [UInt8] { try Base64.decode(#require(value?.stringValue)) }
        for item in cases where item["entries"] != nil {
            var entries: [(guid: SEVSecretGUID, data: [UInt8])] = []
            for pair in try #require(item["entries"]?.arrayValue) {
                let name = try #require(pair.arrayValue?.first?.stringValue)
                let guid = try #require(SEVSecretGUID(name))
                entries.append((guid, try file(pair.arrayValue?.last)))
            }
            let launch = LaunchRecipient(
                encryptionKey: SecretBytes(try file(item["tek"])), integrityKey: SecretBytes(try file(item["tik"])),
                measure: Array(try base64(item["launch_measure_b64"]).prefix(32)))
            let table = try #require(SEVSecretTable.bytes(entries))
            let packet = try SEVLaunchSecret(table: table, for: launch, vector: base64(item["iv_b64"]))
            #expect(try packet.headerBytes == base64(item["expected_header_b64"]))
            #expect(try packet.ciphertext == base64(item["expected_payload_b64"]))
        }
        let name = SEVSecretGUID.diskPassword
        for item in cases where item["entry_files"] != nil {
            for file in try #require(item["entry_files"]?.arrayValue) {
                let data = try Vectors.bytes("sev/sevctl/\(#require(file.stringValue))")
                #expect(SEVSecretTable.bytes([(name, data)])?.count == 16_384)
                if data.count == SEVSecretTable.maximumEntryByteCount {
                    #expect(SEVSecretTable.bytes([(name, data + [0])]) == nil)
                }
            }
        }
    }

    @Test("names stand in memory as firmware reads them, and other texts are none")
    func names() {
        #expect(SEVSecretGUID("736869e5-84f0-4973-92ec-06879ce3da0b") == .diskPassword)
        #expect(SEVSecretGUID("1e74f542-71dd-4d66-963e-ef4287ff173b") == .table)
        for text in [
            "", "736869e584f0497392ec06879ce3da0b", "736869e5-84f0-4973-92ec-06879ce3da0", "-----",
            "g36869e5-84f0-4973-92ec-06879ce3da0b", "736869e5-84f0-4973-92ec-06879ce3da0b-",
            " 736869e-84f0-4973-92ec-06879ce3da0b",
        ] {
            #expect(SEVSecretGUID(text) == nil, "\(text)")
        }
    }

    @Test("a session's certificate and parameters have the form that hosts of the recorded challenge read")
    func challengeForm() throws {
        let recorded = try #require(Vectors.json("sev/kbs-request-milan/challenge.json")["extra-params"]?["start"])
        let owner = try #require(recorded["cert"]?.byteArrayValue)
        let platform = try SEVVectors.outcome(SEVVectors.milan()).get()
        let session = try SEVLaunchSession(
            policy: SEVGuestPolicy(rawValue: 0), platformKey: platform.sessionKey, .generate())
        #expect(session.certificate.count == 2084 && session.blob.count == 128)
        let parsed = try SEVCertificate(parsing: session.certificate, "It")
        #expect(parsed.usage == SEVKeyUsage.session.rawValue && parsed.algorithm == 3)
        // All but the key and what must be zero behind it is the same; the recorded one was not wiped there.
        for range in [0..<20, 68..<92, 140..<164, 0x414..<2084] {
            #expect(Array(session.certificate[range]) == Array(owner[range]))
        }
        func shape(_ value: JSONValue) -> [String] {
            guard let object = value.objectValue else { return ["\(value.byteArrayValue?.count ?? -1)"] }
            return object.flatMap { item in shape(item.value).map { "\(item.name).\($0)" } }.sorted()
        }
        #expect(shape(session.json) == shape(recorded))
    }
}
