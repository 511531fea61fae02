import Encodings
import EvidenceSimulator
import Foundation
import RATS
import TestPrograms
import Testing
import X509TestSupport

@testable import Verification

@Suite("SVSM")
struct SVSMVerifierTests {
    @Test(
        "a VM with the virtual TPM of an SVSM is believed, and says what it booted",
        arguments: SimulatedSVSM.Services.allCases)
    func good(_ services: SimulatedSVSM.Services) async throws {
        let setting = try SVSMSetting()
        let document = [UInt8](repeating: 0x1D, count: 32)
        let svsm = setting.svsm.twin {
            $0.services = services
            $0.tpm.extend(8, with: document)
        }
        let (evidence, state) = try await setting.answer(svsm)
        let result = try #require(try await setting.claims(evidence, state, initData: document))
        #expect(result.claims["measurement"] == .string(String(repeating: "5e", count: 48)))
        #expect(result.claims["vmpl"] == 0)
        #expect(result.claims["tpm"]?["pcr17"] == .string(String(repeating: "f", count: 64)))
        #expect(result.claims["svsm_manifest"] == .string(services == .all ? "services" : "service"))
        #expect(result.claims["report_data"]?.stringValue?.hasPrefix(Hex.encode(Simulation.digest)) == true)
        #expect(result.claims["init_data"] == .string(Hex.encode(svsm.tpm.registers[8])))
        #expect(result.claims["ak_name"]?.stringValue?.count == 68)
        #expect(result.trustCap == nil && result.platform != nil && result.chain.count == 3)
        #expect(
            try await setting.refusal(evidence, state, initData: Array(document.dropLast()) + [0])
                == "init_data_mismatch")
    }

    @Test("A11: a report that software above the SVSM asked for is worth nothing", arguments: [1, 2, 3] as [UInt32])
    func level(_ level: UInt32) async throws {
        let setting = try SVSMSetting()
        let other = setting.svsm.twin { $0.guest = $0.guest.twin { $0.vmpl = level } }
        #expect(try await setting.refusal(of: other) == "vmpl_not_allowed")
    }

    @Test("A17: a key that is not in the TPM that the SVSM vouches for is refused")
    func keys() async throws {
        let setting = try SVSMSetting()
        let stranger = try TestKey.generate(.rsa(2048))
        // The guest's own software TPM answers the challenge, and the SVSM's manifest is of the real one.
        #expect(try await setting.refusal(of: setting.svsm.twin { $0.namedKey = stranger }) == "key_not_bound")
        // The quote is by a key that the credential was not made for.
        let (evidence, state) = try await setting.answer(setting.svsm)
        let other = try setting.svsm.twin { $0.tpm = try SimulatedVirtualTPM() }
        let secret = try Base64.decode(#require(evidence.content["ak_name_proof"]?["secret"]?.stringValue))
        let swapped = try other.evidence(bound: Simulation.digest, secret: secret)
        #expect(try await setting.refusal(swapped, state) == "key_not_bound")
        let relabelled = swapped.content.replacing("ak_public_area", with: evidence.content["ak_public_area"])
        #expect(try await setting.refusal(Evidence(tee: .svsmVTPM, content: relabelled), state) == "signature_invalid")
    }

    @Test("A17: without its own session's credential nothing proves that both keys are in one TPM")
    func credential() async throws {
        let setting = try SVSMSetting()
        let (evidence, state) = try await setting.answer(setting.svsm)
        #expect(try await setting.refusal(evidence, state) == nil)
        #expect(try await setting.refusal(evidence, nil) == "challenge_missing")
        let (_, other) = try await setting.answer(setting.svsm)
        #expect(try await setting.refusal(evidence, other) == "key_not_bound")
        #expect(try await setting.challenge("") == nil)
        #expect(try await setting.challenge(nil) == nil)
        let foreign = try SimulatedSVSM(setting.svsm.guest)
        let challenge = try await setting.challenge(setting.svsm.parameters)
        #expect(throws: (any Error).self) { try foreign.activate(challenge?.extraParameters) }
    }

    @Test(
        "7g: no credential is made for a key that may sign forgeries or leave its TPM, nor to one that is no endorsement key",
        arguments: [0x0004_0072, 0x0005_0070, 0x0005_0062, 0x0005_0052, 0x0007_0072, 0x0001_0072] as [UInt32])
    func attributes(_ attributes: UInt32) async throws {
        let setting = try SVSMSetting()
        let other = setting.svsm.twin { $0.attributes = attributes }
        let error = await #expect(throws: VerificationError.self) { _ = try await setting.challenge(other.parameters) }
        #expect(error?.code == "key_not_restricted")
        let confused = setting.svsm.parameters.replacing(
            "ek_public_area", with: setting.svsm.parameters["ak_public_area"])
        let refusal = await #expect(throws: VerificationError.self) { _ = try await setting.challenge(confused) }
        #expect(refusal?.code == "key_not_allowed")
    }

    @Test("A2, A8: report and quote are of this session, both of them")
    func freshness() async throws {
        let setting = try SVSMSetting()
        let (evidence, state) = try await setting.answer(setting.svsm)
        let secret = try Base64.decode(#require(evidence.content["ak_name_proof"]?["secret"]?.stringValue))
        let other = [UInt8](repeating: 0xD2, count: 48)
        let (svsm, digest) = (setting.svsm, Simulation.digest)
        for replay in [
            try svsm.evidence(bound: digest, secret: secret, quoted: other),
            try svsm.evidence(bound: digest, secret: secret, reported: other),
            try svsm.evidence(bound: other, secret: secret, quoted: digest),
            try svsm.evidence(bound: other, secret: secret),
        ] {
            #expect(try await setting.refusal(replay, state) == "report_data_mismatch")
        }
    }

    @Test(
        "A10, A12: debug guests and other makers' processors are refused, and a manifest that the report does not know")
    func report() async throws {
        let setting = try SVSMSetting()
        let debug = setting.svsm.twin { $0.guest = $0.guest.twin { $0.policy.insert(.debugAllowed) } }
        #expect(try await setting.refusal(of: debug) == "debug_enabled")
        let impostor = try setting.svsm.twin { $0.guest = try SimulatedSNPGuest(Simulation.impostor(.milan)) }
        #expect(try await setting.refusal(of: impostor) != nil)
        let (evidence, state) = try await setting.answer(setting.svsm)
        let other = setting.svsm.twin { $0.services = .all }
        let content = evidence.content.replacing("manifest", with: .string(Base64.encode(other.manifest)))
        #expect(try await setting.refusal(Evidence(tee: .svsmVTPM, content: content), state) == "report_data_mismatch")
    }

    @Test("the selection and the values of the registers are those that were signed")
    func registers() async throws {
        let setting = try SVSMSetting()
        let (evidence, state) = try await setting.answer(setting.svsm)
        var values = try #require(evidence.content["tpm_quote"]?["pcrs"]?.arrayValue)
        values[11] = .string(String(repeating: "1", count: 64))
        let changed = evidence.content.replacing("tpm_quote", "pcrs", with: .array(values))
        #expect(try await setting.refusal(Evidence(tee: .svsmVTPM, content: changed), state) == "pcr_mismatch")
        var message = try Base64.decode(#require(evidence.content["tpm_quote"]?["message"]?.stringValue))
        message[message.count - 35] = 0x7F
        let signature = try setting.svsm.tpm.key.sign(message, .rsaPKCS1(.sha256))
        let fewer = evidence.content
            .replacing("tpm_quote", "message", with: .string(Base64.encode(message)))
            .replacing(
                "tpm_quote", "signature",
                with: .string(Base64.encode([0, 0x14, 0, 0x0B] + TPMWriting.counted(signature))))
        #expect(try await setting.refusal(Evidence(tee: .svsmVTPM, content: fewer), state) == "pcr_selection_mismatch")
    }

    @Test("a manifest that contradicts itself is refused")
    func manifests() throws {
        let setting = try SVSMSetting()
        let table = setting.svsm.twin { $0.services = .all }.manifest
        #expect(try SVSMManifest(parsing: table).form == .services)
        func refused(_ change: (inout [UInt8]) -> Void) -> Bool {
            var manifest = table
            change(&manifest)
            return refusalCode { () throws(VerificationError) in _ = try SVSMManifest(parsing: manifest) }
                == "malformed_evidence"
        }
        #expect(refused { $0[16] ^= 1 } && refused { $0.append(0) } && refused { $0[20] = 65 })
        #expect(refused { $0[24 + 16] = 0 } && refused { $0[24 + 21] = 0xFF } && refused { $0[24 + 24] ^= 1 })
        // Two virtual TPMs: another reader could take the other.
        #expect(refused { $0.replaceSubrange(24..<40, with: SVSMManifest.virtualTPM) })
        let area = SimulatedSVSM.endorsementArea(setting.svsm.endorsementKey)
        #expect(try SVSMManifest(parsing: TPMWriting.counted(area)).endorsementKey.bytes == area)
        for count in stride(from: 0, to: area.count, by: 3) {
            let part = Array(area.prefix(count))
            #expect(refusalCode { () throws(VerificationError) in _ = try SVSMManifest(parsing: part) } != nil)
        }
    }

    @Test("a real TPM activates the credential for its own keys, and returns the secret", arguments: ["rsa", "ecc"])
    func realTPM(algorithm: String) async throws {
        let tpm = try await SoftwareTPM()
        let keys = try tpm.keyPair(algorithm)
        let parameters: JSONValue = [
            "ek_public_area": .string(Base64.encode(keys.endorsementKey)),
            "ak_public_area": .string(Base64.encode(keys.attestationKey)),
        ]
        let challenge = try #require(try SVSMChallenge(parameters))
        let secret = try tpm.activate(
            blob: challenge.credential.blob, encryptedSeed: challenge.credential.encryptedSeed)
        #expect(secret == challenge.state.secret)
        // The credential of another TPM's key is none for this one.
        let other = try await SoftwareTPM()
        _ = try other.keyPair(algorithm)
        #expect(
            try other.activate(blob: challenge.credential.blob, encryptedSeed: challenge.credential.encryptedSeed)
                == nil)
    }
}
