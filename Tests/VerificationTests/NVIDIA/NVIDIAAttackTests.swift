import Encodings
import EvidenceSimulator
import Foundation
import RATS
import Testing
import X509TestSupport
import X509Trust

@testable import Verification

/// One stand-in for NVIDIA with a device of each generation.
enum SimulatedNVIDIASite {
    static func maker() throws -> SimulatedNVIDIA { try made.get() }
    static func device(_ architecture: NVIDIAArchitecture) throws -> SimulatedNVIDIADevice {
        try #require(devices[architecture]).get()
    }
    static func protectedSet() throws -> [SimulatedNVIDIADevice] { try set.get() }
    /// The collateral for the GPU of Hopper, and for the set.
    static func collateral() throws -> [CollateralName: CollateralItem] { try items.get() }
    static func setCollateral() throws -> [CollateralName: CollateralItem] { try setItems.get() }

    private static let made = Result { try SimulatedNVIDIA(at: Simulation.now) }
    private static let set = Result { try SimulatedNVIDIADevice.protectedSet(of: maker()) }
    private static let items = Result { try maker().collateral(for: device(.hopper)) }
    private static let setItems = Result {
        let (made, set) = (try maker(), try protectedSet())
        return try made.collateral(for: set[0]).merging(made.collateral(for: set[11])) { $1 }
    }
    private static let devices: [NVIDIAArchitecture: Result<SimulatedNVIDIADevice, any Error>] = Dictionary(
        uniqueKeysWithValues: NVIDIAArchitecture.allCases.map { architecture in
            (architecture, Result { try SimulatedNVIDIADevice(architecture, of: maker()) })
        })

    /// The claims of devices, or the code with which they are refused.
    static func verdict(
        on devices: [SimulatedNVIDIADevice], _ items: [CollateralName: CollateralItem]? = nil,
        bound digest: [UInt8] = Simulation.digest, at offset: TimeInterval = 0,
        _ change: (inout NVIDIAVerifier.Options) -> Void = { _ in }
    ) async throws -> Result<[EvidenceClaims], VerificationError> {
        let maker = try maker()
        var options = maker.options
        change(&options)
        let collateral = try items ?? maker.collateral(for: #require(devices.first))
        let context = VerificationContext(
            clock: .fixed(Simulation.now.addingTimeInterval(offset)), collateral: FixedCollateral(collateral))
        let evidence = try SimulatedNVIDIADevice.evidence(of: devices, bound: digest)
        do throws(VerificationError) {
            return .success(
                try await NVIDIAVerifier(options).verify(
                    evidence, binding: EvidenceBinding(reportData: [Simulation.digest]), context: context))
        } catch {
            return .failure(error)
        }
    }

    static func refusal(
        of devices: [SimulatedNVIDIADevice], _ items: [CollateralName: CollateralItem]? = nil,
        bound digest: [UInt8] = Simulation.digest, at offset: TimeInterval = 0,
        _ change: (inout NVIDIAVerifier.Options) -> Void = { _ in }
    ) async throws -> String? {
        guard case .failure(let error) = try await verdict(on: devices, items, bound: digest, at: offset, change) else {
            return nil
        }
        return error.code
    }
}

@Suite("NVIDIA: attacks with signed evidence")
struct NVIDIAAttackTests {
    private typealias Site = SimulatedNVIDIASite

    @Test(
        "devices of all generations with manifests and answers at hand are what they should be",
        arguments: NVIDIAArchitecture.allCases)
    func good(architecture: NVIDIAArchitecture) async throws {
        let found = try await Site.verdict(on: [Site.device(architecture)]) { $0.requiresRevocationStatus = true }.get()
        let claims = try #require(found.first?.claims)
        #expect(found.count == 1 && found[0].deviceClass == architecture.deviceClass)
        #expect(claims["measres"] == "success" && claims["dbgstat"] == "disabled")
        #expect(claims["x-nvidia-overall-att-result"] == true)
        let part = architecture.claimPart
        #expect(claims["x-nvidia-\(part)-attestation-report-cert-chain-fwid-match"] == true)
        #expect(claims["x-nvidia-\(part)-attestation-report-cert-chain"]?["x-nvidia-cert-ocsp-status"] == "good")
        #expect(found[0].steps.allSatisfy { $0.outcome == .passed || $0.name == "first firmware" })
    }

    @Test("A8, A10: a report for another session's nonce is refused")
    func nonce() async throws {
        let device = try Site.device(.hopper)
        var other = Simulation.digest
        other[31] ^= 1
        #expect(try await Site.refusal(of: [device], bound: other) == "report_data_mismatch")
        // Only 32 bytes have room.
        other = Simulation.digest
        other[32] ^= 1
        #expect(try await Site.refusal(of: [device], bound: other) == nil)
        #expect(try await Site.refusal(of: [device], bound: [UInt8](repeating: 0, count: 48)) == "report_data_mismatch")
    }

    private static let twins: [(String, String, @Sendable (inout SimulatedNVIDIADevice) throws -> Void)] = [
        ("another register", "measurement_mismatch", { $0.registers[3]?[0] ^= 1 }),
        ("a register that is missing", "measurement_mismatch", { $0.registers[3] = nil }),
        ("another value of the driver's", "measurement_mismatch", { $0.registers[21]?[47] ^= 1 }),
        ("other first firmware", "firmware_id_mismatch", { $0.fields[20]?[0] ^= 1 }),
        ("no first firmware", "firmware_id_missing", { $0.fields[20] = nil }),
        ("first firmware that is too short", "malformed_evidence", { $0.fields[20]?.removeLast() }),
        ("a driver without manifest", "manifest_unavailable", { $0.fields[3] = Array("551.0".utf8) }),
        ("firmware without manifest", "manifest_unavailable", { $0.fields[6]?[4] = 2 }),
        ("no versions", "manifest_unavailable", { ($0.fields[3], $0.fields[6]) = (nil, nil) }),
        ("a version that leads elsewhere", "manifest_unavailable", { $0.fields[3] = Array("../../550".utf8) }),
        ("a version that is no text", "malformed_evidence", { $0.fields[3] = [0x35, 0, 0x35] }),
        ("a zero behind the report", "malformed_evidence", { $0.trailing = [0] }),
        ("a key of its own", "signature_invalid", { $0.key = try TestKey.generate(.ec(.p384)) }),
        ("a chain without the root", "chain_not_trusted", { $0.chain.removeLast() }),
        ("a chain without an authority", "chain_not_trusted", { $0.chain.remove(at: 2) }),
        ("a chain without its own certificate", "chain_not_trusted", { $0.chain.removeFirst() }),
        ("another generation", "architecture_mismatch", { $0.architecture = .blackwell }),
        ("protected PCIe alone", "topology_incomplete", { $0.fields[21] = [0xAA] }),
        ("protected PCIe by its flag", "topology_incomplete", { $0.fields[36] = [2, 0] }),
        ("a status that is none", "malformed_evidence", { $0.fields[11] = [] }),
    ]

    @Test("a device that is signed again with a flaw is refused", arguments: twins.indices)
    func twin(index: Int) async throws {
        let (what, code, change) = Self.twins[index]
        let twin = try Site.device(.hopper).twin(change)
        let items = try Site.collateral()
        #expect(try await Site.refusal(of: [twin], items) == code, "\(what)")
    }

    @Test("any of a register's values is right, and the decoder's register counts only while the decoder is on")
    func alternatives() async throws {
        let device = try Site.device(.hopper)
        let items = try Site.collateral()
        let other = device.twin { $0.registers[21] = [UInt8](repeating: 0xAB, count: 48) }
        #expect(try await Site.refusal(of: [other], items) == nil)
        var draft = try #require(device.manifests["NV_GPU_DRIVER_GH100_550.90.07"])
        draft.registers[35] = [[UInt8](repeating: 0xDE, count: 48)]
        let name = try #require(CollateralName.nvidiaManifest("NV_GPU_DRIVER_GH100_550.90.07"))
        let decoder = items.merging([name: CollateralItem(body: try Site.maker().manifest(draft))]) { $1 }
        #expect(try await Site.refusal(of: [device], decoder) == nil)
        for state in [[0xAA], nil] as [[UInt8]?] {
            let on = device.twin { $0.fields[11] = state }
            #expect(try await Site.refusal(of: [on], decoder) == "measurement_mismatch")
        }
    }

    @Test("a manifest for another chip or version, by another signer, or over the same registers is none")
    func manifests() async throws {
        let (maker, device) = (try Site.maker(), try Site.device(.hopper))
        let items = try Site.collateral()
        let identifier = "NV_GPU_VBIOS_1010_0200_882_96005E0001"
        let name = try #require(CollateralName.nvidiaManifest(identifier))
        let draft = try #require(device.manifests[identifier])
        func refusal(_ bytes: [UInt8]) async throws -> String? {
            try await Site.refusal(of: [device], items.merging([name: CollateralItem(body: bytes)]) { $1 })
        }
        func changed(_ change: (inout SimulatedManifest) -> Void) throws -> [UInt8] {
            var other = draft
            change(&other)
            return try maker.manifest(other)
        }
        #expect(try await refusal(changed { $0.chip = "GH200" }) == "manifest_unavailable")
        #expect(try await refusal(changed { $0.version = "96.00.5E.00.02" }) == "manifest_unavailable")
        #expect(try await refusal(changed { $0.edition = "SWITCH" }) == "manifest_unavailable")
        #expect(try await refusal(changed { $0.registers[20] = [device.registers[21] ?? []] }) == "manifest_conflict")
        #expect(
            try await refusal(changed { $0.registers[40] = [[UInt8](repeating: 0, count: 48)] })
                == "measurement_mismatch")
        let impostor = try SimulatedNVIDIA(at: Simulation.now)
        #expect(try await refusal(impostor.manifest(draft)) == "manifest_unavailable")
        // The device's own authorities are none over manifests.
        let own = try draft.signed(by: device.key, chain: device.chain)
        #expect(try await refusal(own) == "manifest_unavailable")
        #expect(try await Site.refusal(of: [device], [:]) == "manifest_unavailable")
        #expect(try await Site.refusal(of: [device], at: 11 * 365 * 86_400) == "manifest_expired")
    }

    @Test("a certificate that is revoked or on hold ends the verification, and one that nobody answers for is not good")
    func revocation() async throws {
        let (maker, device) = (try Site.maker(), try Site.device(.hopper))
        let items = try Site.collateral()
        for place in 1...5 {
            for reason in [1, 6] as [UInt8] {
                let answer = try maker.answer(about: place, of: device, .revoked(Simulation.now, reason: reason))
                let code = try await Site.refusal(of: [device], items.merging(answer) { $1 })
                #expect(code == "certificate_revoked", "\(place)")
            }
            let unknown = items.merging(try maker.answer(about: place, of: device, .unknown)) { $1 }
            let found = try await Site.verdict(on: [device], unknown).get()
            let report = found[0].claims["x-nvidia-gpu-attestation-report-cert-chain"]?["x-nvidia-cert-ocsp-status"]
            let manifest = found[0].claims["x-nvidia-gpu-vbios-rim-cert-chain"]?["x-nvidia-cert-ocsp-status"]
            #expect(report == (place <= 3 ? .null : "good") && manifest == (place > 3 ? .null : "good"))
            let code = try await Site.refusal(of: [device], unknown) { $0.requiresRevocationStatus = true }
            #expect(code == "revocation_unknown")
        }
        // Answers count for a day.
        #expect(
            try await Site.refusal(of: [device], at: 2 * 86_400) { $0.requiresRevocationStatus = true }
                == "revocation_unknown")
    }

    @Test("certificates of somebody who calls himself NVIDIA, and of keys for other uses, are refused")
    func authorities() async throws {
        let maker = try Site.maker()
        let impostor = try SimulatedNVIDIADevice(of: SimulatedNVIDIA(at: Simulation.now))
        let items = try Site.collateral()
        #expect(try await Site.refusal(of: [impostor], items) == "chain_not_trusted")
        let other = try SimulatedNVIDIADevice(number: 9, of: maker) { $0.extensions[0] = .keyUsage(.keyAgreement) }
        #expect(try await Site.refusal(of: [other], items) == "chain_not_trusted")
        let silent = try SimulatedNVIDIADevice(number: 9, of: maker) { $0.extensions.removeLast() }
        #expect(try await Site.refusal(of: [silent], items) == "firmware_id_mismatch")
        let nameless = try SimulatedNVIDIADevice(number: 9, of: maker) { $0.subject = "device" }
        #expect(try await Site.refusal(of: [nameless], items) == "architecture_mismatch")
        #expect(try await Site.refusal(of: [Site.device(.hopper)], items) { $0.anchors = [] } == "no_anchor")
    }
}
