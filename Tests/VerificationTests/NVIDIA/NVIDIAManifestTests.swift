import Encodings
import Foundation
import RATS
import Testing
import X509Trust

@testable import Verification

@Suite("NVIDIA: manifests of registers")
struct NVIDIAManifestTests {
    private static let firmware = "rims/1010_0200_882_96005E0001_PROD.swidtag"
    private static let reissued = "rim-other-revision/NV_GPU_VBIOS_1010_0200_882_96005E0001_measurement_mismatch.xml"
    private static let switchFirmware = "rims-switch/NV_SWITCH_BIOS_5612_0002_890_9610550001.xml"

    private func comparison(_ id: String, _ paths: String...) throws -> NVIDIAMeasurementComparison {
        let report = try NVIDIAReport(parsing: NVIDIAVectors.device(id).report, allowsTrailingZeros: true)
        return NVIDIAMeasurementComparison(report, with: try paths.map(NVIDIAVectors.manifest))
    }

    @Test("manifests that NVIDIA signed are believed and say for what they are")
    func genuine() throws {
        let firmware = try NVIDIAVectors.manifest(Self.firmware)
        #expect(firmware.edition == "GPU" && firmware.chip == "GH100" && firmware.version == "96.00.5E.00.01")
        #expect(firmware.registers.count == 64 && firmware.registers.values.count(where: \.isActive) == 12)
        #expect(firmware.chain.certificates.count == 4)
        #expect(firmware.chain.anchor.name == "NVIDIA CoRIM signing Root CA")
        let driver = try NVIDIAVectors.manifest("rims/NV_GPU_DRIVER_GH100_550.144.03.xml")
        #expect(driver.version == "550.144.03" && driver.registers.values.count(where: \.isActive) == 21)
        #expect(driver.registers.values.map(\.alternatives.count).max() == 4)
        let networkSwitch = try NVIDIAVectors.manifest(Self.switchFirmware)
        #expect(networkSwitch.edition == "SWITCH" && networkSwitch.chip == "LS10")
    }

    @Test(
        "manifests that are changed, signed wrongly or by others are refused",
        arguments: [
            "incorrect_signature_driver_rim", "incorrect_cert_chain_driver_rim",
            "NV_GPU_DRIVER_GH100_535.86.09_measurement_mismatch", "NV_GPU_DRIVER_GH100_570.124.03_expired",
            "NV_SWITCH_BIOS_5612_0002_890_9610550001_invalid_signature",
            "NV_SWITCH_BIOS_5612_0002_890_9610550001_measurement_mismatch",
        ])
    func refused(name: String) throws {
        let bytes = try Vectors.bytes("nvidia/rims-bad/\(name).xml")
        let error = #expect(throws: NVIDIAManifestError.self) { try NVIDIAManifest(parsing: bytes) }
        #expect(error?.isUntrusted == true, "\(error?.message ?? "")")
    }

    @Test("registers of real devices are those of their manifests, and others than those of another issue")
    func comparisons() throws {
        let gpu = try comparison("hopper-sdk-rim-match", Self.firmware)
        #expect(gpu.matched == 12 && gpu.mismatches.isEmpty)
        let networkSwitch = try comparison("switch-sdk", Self.switchFirmware)
        #expect(networkSwitch.matched == 31 && networkSwitch.mismatches.isEmpty)
        #expect(try comparison("hopper-sdk-rim-match", Self.reissued).mismatches == [9])
        for (id, path) in [
            ("hopper-coco", "rims/1010_0200_882_960074001A_PROD.swidtag"),
            ("hopper-sdk-580", "rims/1010_0205_862_9600740020_PROD.swidtag"),
        ] {
            #expect(try comparison(id, path).mismatches == [9])
        }
        #expect(try comparison("hopper-sdk-rim-match", Self.firmware, Self.reissued).conflicts.count == 12)
        let others = try comparison("hopper-trustee", "rims/NV_GPU_DRIVER_GH100_550.144.03.xml").mismatches
        #expect(!others.isEmpty)
    }

    private func verdict(
        _ id: String, _ paths: [String], at date: String = "2025-03-01T00:00:00Z",
        _ change: (inout NVIDIAVerifier.Options) -> Void = { _ in }
    ) async throws -> (EvidenceClaims?, String?) {
        var options = NVIDIAVectors.options {
            ($0.allowsTrailingZeros, $0.allowsMissingFirmwareID) = (true, true)
        }
        for path in paths { try options.manifests.add(Vectors.bytes("nvidia/\(path)")) }
        change(&options)
        let context = VerificationContext(clock: .fixed(try Date(date, strategy: .iso8601)))
        do throws(VerificationError) {
            let all = try await NVIDIAVerifier(options).verify(
                Evidence(tee: .nvidia, content: Self.content(id)), binding: Self.binding(id), context: context)
            return (all.first, nil)
        } catch {
            return (nil, error.code)
        }
    }

    private static func content(_ id: String) -> JSONValue { (try? NVIDIAVectors.evidence(id).content) ?? .null }
    private static func binding(_ id: String) -> EvidenceBinding {
        (try? NVIDIAVectors.binding(id)) ?? EvidenceBinding(reportData: [])
    }

    @Test("a switch whose registers are all those that were published is what it should be")
    func comparedSwitch() async throws {
        let (found, _) = try await verdict("switch-sdk", [Self.switchFirmware], at: "2026-06-01T00:00:00Z") {
            $0.requiresManifests = true
        }
        let claims = try #require(found?.claims)
        #expect(claims["measres"] == "success" && claims["secboot"] == true && claims["dbgstat"] == "disabled")
        #expect(claims["x-nvidia-switch-bios-rim-version-match"] == true)
        #expect(claims["x-nvidia-switch-bios-rim-cert-chain"]?["x-nvidia-cert-status"] == "valid")
        #expect(found?.steps.contains { $0.name == "measurements" && $0.outcome == .passed } == true)
    }

    @Test("a GPU with the manifest of its firmware alone was compared in part, which does not count as all")
    func half() async throws {
        let (found, _) = try await verdict("hopper-sdk-rim-match", [Self.firmware])
        let claims = try #require(found?.claims)
        #expect(claims["measres"] == "not-run" && claims["x-nvidia-gpu-vbios-rim-fetched"] == true)
        #expect(claims["x-nvidia-gpu-driver-rim-fetched"] == false)
        #expect(claims["x-nvidia-gpu-driver-rim-cert-chain"] == nil)
    }

    @Test("a device whose registers differ is refused, whatever is let in, and the newest of two issues counts")
    func mismatch() async throws {
        #expect(
            try await verdict("hopper-coco", ["rims/1010_0200_882_960074001A_PROD.swidtag"]).1 == "measurement_mismatch"
        )
        let first = try NVIDIAVectors.manifest(Self.firmware)
        let second = try NVIDIAVectors.manifest(Self.reissued)
        let isNewer = second.issued > first.issued
        for paths in [[Self.firmware, Self.reissued], [Self.reissued, Self.firmware]] {
            #expect(
                try await verdict("hopper-sdk-rim-match", paths).1 == (isNewer ? "measurement_mismatch" : nil))
        }
        // A manifest of another version is none for this device.
        #expect(
            try await verdict("hopper-trustee", [Self.firmware]).0?.claims["x-nvidia-gpu-vbios-rim-fetched"] == false)
    }

    @Test("manifests count while their signer's certificate is valid, and later where that is let in")
    func dates() async throws {
        #expect(
            try await verdict("hopper-sdk-rim-match", [Self.firmware], at: "2026-03-01T00:00:00Z").1
                == "manifest_expired")
        let (found, _) = try await verdict("hopper-sdk-rim-match", [Self.firmware], at: "2026-03-01T00:00:00Z") {
            $0.allowsExpiredManifestSigners = true
        }
        #expect(found?.claims["x-nvidia-gpu-vbios-rim-cert-chain"]?["x-nvidia-cert-status"] == "expired")
        #expect(
            try await verdict("hopper-sdk-rim-match", [Self.firmware], at: "2023-01-01T00:00:00Z").1
                == "manifest_not_yet_valid")
    }

    @Test("a manifest that is imported counts like a file, and only for the version that it is for")
    func imported() async throws {
        let name = try #require(CollateralName.nvidiaManifest("NV_SWITCH_BIOS_5612_0002_890_9610550001"))
        for (path, isFound) in [
            (Self.switchFirmware, true), (Self.firmware, false), ("switch-sdk/evidence.json", false),
        ] {
            let collateral = FixedCollateral([name: CollateralItem(body: try Vectors.bytes("nvidia/\(path)"))])
            let context = VerificationContext(
                clock: .fixed(try Date("2026-06-01T00:00:00Z", strategy: .iso8601)), collateral: collateral)
            let all = try await NVIDIAVerifier(NVIDIAVectors.options()).verify(
                Evidence(tee: .nvidia, content: Self.content("switch-sdk")), binding: Self.binding("switch-sdk"),
                context: context)
            #expect(all.first?.claims["x-nvidia-switch-bios-rim-fetched"] == .bool(isFound))
        }
    }

    private static let wrapped: [(String, String, String)] = [
        (
            "a second signature", "</SoftwareIdentity>",
            #"<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"/></SoftwareIdentity>"#
        ),
        ("another register", #"index="0" active="True""#, #"index="0" active="False""#),
        ("white space", "</ns0:Payload>", " </ns0:Payload>"),
        ("an object in the signature", "</ds:KeyInfo>", "</ds:KeyInfo><ds:Object/>"),
        ("a part of the document", #"URI="""#, ##"URI="#a""##),
        ("another digest", "xmldsig-more#sha384", "xmldsig#sha1"),
        ("another transform", "xmldsig#enveloped-signature", "xmldsig#base64"),
        ("another form", "xml-c14n11\"/><ds:SignatureMethod", "xml-exc-c14n#\"/><ds:SignatureMethod"),
        ("a document type", "<SoftwareIdentity", "<!DOCTYPE a><SoftwareIdentity"),
        ("an entity", "NVIDIA Corporation", "NVIDIA&#32;Corporation"),
        (
            "an algorithm's parameter", #"xml-c14n11"/></ds:Transforms>"#,
            #"xml-c14n11">x</ds:Transform></ds:Transforms>"#
        ),
    ]

    @Test("XML that says something else than what was signed is refused", arguments: wrapped)
    func wrapping(what: String, from: String, to: String) throws {
        let text = try Vectors.text("nvidia/\(Self.firmware)")
        let changed = text.replacingOccurrences(of: from, with: to)
        #expect(changed != text)
        #expect(throws: NVIDIAManifestError.self) { try NVIDIAManifest(parsing: Array(changed.utf8)) }
    }

    @Test("what means the same in canonical form stays signed")
    func equivalent() throws {
        let text = try Vectors.text("nvidia/\(Self.firmware)")
        let same =
            #"<?xml version="1.0" encoding="UTF-8"?>"# + "\n"
            + text.replacingOccurrences(of: #"corpus="false" name="GH100""#, with: #"name='GH100'   corpus="false""#)
        #expect(try NVIDIAManifest(parsing: Array(same.utf8)) == NVIDIAVectors.manifest(Self.firmware))
    }

    @Test("a manifest under another root is refused")
    func otherRoot() throws {
        let bytes = try Vectors.bytes("nvidia/\(Self.firmware)")
        #expect(throws: NVIDIAManifestError.self) {
            try NVIDIAManifest(parsing: bytes, anchors: PinnedAnchor.nvidiaDevices)
        }
    }
}
