import Encodings
import FoundationEssentials
import RATS
import X509Trust

/// The claims about a device: those of a local verifier, and those that NVIDIA's service would make, by their names there.
struct NVIDIAClaimSet: Sendable {
    let device: NVIDIADevice
    /// Whether the device's certificates are known not to be revoked.
    let isGood: Bool
    let manifests: [NVIDIAManifestLibrary.Finding]

    private var opaque: NVIDIAOpaqueData { device.report.opaque }
    private var architecture: NVIDIAArchitecture { device.identity.architecture }
    /// Registers that differ are refused, so that what counts is whether all were compared.
    private var isCompared: Bool { manifests.allSatisfy { $0.manifest != nil } }

    var claims: JSONObject {
        var claims: JSONObject = [
            "arch": .string(architecture.rawValue), "measurements": .object(measurements), "config": .object(config),
        ]
        if let uuid = device.uuid { claims["uuid"] = .string(uuid) }
        for (name, value) in result { claims[name] = value }
        for (name, value) in reportFindings { claims[name] = value }
        for finding in manifests {
            for (name, value) in findings(of: finding) { claims[name] = value }
        }
        return claims
    }

    private var measurements: JSONObject {
        JSONObject(
            device.report.measurements.sorted { $0.key < $1.key }.map { ("\($0.key)", .string(Hex.encode($0.value))) })
    }

    private var config: JSONObject {
        var config: JSONObject = [:]
        for (name, field) in [
            ("driver_version", .driverVersion), ("chip_sku", .chipSKU), ("chip_sku_mod", .chipSKUModifier),
            ("project", .project), ("project_sku", .projectSKU), ("project_sku_mod", .projectSKUModifier),
        ] as [(String, NVIDIAOpaqueData.Field)] {
            guard let bytes = opaque[field], let text = opaque.text(field) else { continue }
            // Other verifiers write a field that holds nothing but NULs as what it is.
            config[name] = .string(text.isEmpty ? Hex.encode(bytes) : text)
        }
        for (name, field) in [
            ("fwid", .firmwareID), ("board_id", .boardID), ("gpu_info", .gpuInfo), ("cpr_info", .cprInfo),
        ] as [(String, NVIDIAOpaqueData.Field)] {
            if let bytes = opaque[field] { config[name] = .string(Hex.encode(bytes)) }
        }
        for (name, field) in [
            ("nvdec0_status", .nvdec0Status), ("protected_pcie_status", .protectedPCIe),
        ] as [(String, NVIDIAOpaqueData.Field)] {
            // Other verifiers write the byte 0x55 as the letter that it is in ASCII.
            if let bytes = opaque[field] { config[name] = .string(bytes == [0x55] ? "U" : Hex.encode(bytes)) }
        }
        if let version = firmwareVersion { config["vbios_version"] = .string(version) }
        config["measurement_count"] = .object(
            JSONObject(opaque.measurementCounts.sorted { $0.key < $1.key }.map { ("\($0.key)", .int(Int64($0.value))) })
        )
        return config
    }

    private var firmwareVersion: String? {
        architecture == .ls10 ? opaque.text(.firmwareVersion) : opaque.gpuFirmwareVersion
    }

    /// Registers that are those of a release say that the device started as NVIDIA means it to, without debugging.
    private var result: JSONObject {
        [
            "measres": isCompared ? "success" : "not-run", "secboot": isCompared ? true : .null,
            "dbgstat": isCompared ? "disabled" : .null,
            "hwmodel": (device.identity.chain.leaf.issuerCommonName).map { .string($0) } ?? .null,
            "ueid": .string(device.identity.decimalSerial), "oemid": "5703",
            "eat_nonce": .string(Hex.encode(device.report.nonce)), "x-nvidia-attestation-warning": .null,
            "x-nvidia-overall-att-result": .bool(isCompared),
        ]
    }

    private var reportFindings: JSONObject {
        let prefix = "x-nvidia-\(architecture.claimPart)-attestation-report"
        var claims: JSONObject = [
            "x-nvidia-\(architecture.claimPart)-arch-check": true, "\(prefix)-parsed": true,
            "\(prefix)-nonce-match": true, "\(prefix)-signature-verified": true,
            "\(prefix)-cert-chain": chain(device.identity.chain, isGood: isGood),
            // NVIDIA's service says the same of switches, whose reports have no such field.
            "\(prefix)-cert-chain-fwid-match": .bool(device.matchesFirmwareID ?? (architecture == .ls10)),
        ]
        let version = firmwareVersion.map { JSONValue.string($0.uppercased()) }
        if architecture == .ls10 {
            claims["x-nvidia-switch-bios-version"] = version
        } else {
            claims["x-nvidia-gpu-vbios-version"] = version
            claims["x-nvidia-gpu-driver-version"] = opaque.text(.driverVersion).map { .string($0) }
            claims["x-nvidia-gpu-vbios-index-no-conflict"] = true
        }
        return claims
    }

    /// A manifest that is there was read, its signature verified, and its version compared before.
    private func findings(of finding: NVIDIAManifestLibrary.Finding) -> JSONObject {
        let prefix = "x-nvidia-\(finding.need.part.rawValue)-rim"
        let isThere = JSONValue.bool(finding.manifest != nil)
        var claims: JSONObject = [
            "\(prefix)-fetched": isThere, "\(prefix)-schema-validated": isThere,
            "\(prefix)-signature-verified": isThere, "\(prefix)-version-match": isThere,
            "\(prefix)-measurements-available": .bool(
                finding.manifest?.registers.values.contains(where: \.isActive) ?? false),
        ]
        if let manifest = finding.manifest {
            claims["\(prefix)-cert-chain"] = chain(manifest.chain, isGood: finding.isGood, isExpired: finding.isExpired)
        }
        return claims
    }

    private func chain(_ chain: VerifiedChain, isGood: Bool, isExpired: Bool = false) -> JSONValue {
        [
            "x-nvidia-cert-status": isExpired ? "expired" : "valid",
            "x-nvidia-cert-ocsp-status": isGood ? "good" : .null,
            "x-nvidia-cert-expiration-date": .string(chain.notAfter.formatted(.iso8601)),
            "x-nvidia-cert-revocation-reason": .null,
        ]
    }
}
