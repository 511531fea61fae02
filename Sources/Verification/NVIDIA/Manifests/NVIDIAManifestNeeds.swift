import RATS

/// Which manifests a report asks for.
struct NVIDIAManifestNeed: Sendable, Hashable {
    /// What a manifest describes.
    enum Part: String, Sendable, Hashable {
        /// The driver of a GPU.
        case driver = "gpu-driver"
        /// The firmware of a GPU.
        case firmware = "gpu-vbios"
        /// The firmware of a switch.
        case switchFirmware = "switch-bios"

        var edition: String { self == .switchFirmware ? "SWITCH" : "GPU" }

        var title: String {
            switch self {
            case .driver: "the driver"
            case .firmware: "the device's firmware"
            case .switchFirmware: "the switch's firmware"
            }
        }
    }

    let part: Part
    let chip: String
    /// The version that the report states.
    let version: String
    /// NVIDIA's identifier; `nil` when the report does not state what it is made from.
    let identifier: String?

    static func all(of report: NVIDIAReport, _ identity: NVIDIADeviceIdentity) -> [NVIDIAManifestNeed] {
        let opaque = report.opaque
        guard identity.architecture != .ls10 else {
            let version = opaque.text(.firmwareVersion) ?? ""
            return [
                NVIDIAManifestNeed(
                    part: .switchFirmware, chip: identity.chip, version: version,
                    // NVIDIA has one product of this kind, whose numbers its reports do not state.
                    identifier: "NV_SWITCH_BIOS_5612_0002_890_\(compact(version))")
            ]
        }
        let driver = opaque.text(.driverVersion) ?? ""
        let firmware = opaque.gpuFirmwareVersion ?? ""
        let product = [Field.project, .projectSKU, .chipSKU].compactMap { opaque.text($0) }
        return [
            NVIDIAManifestNeed(
                part: .driver, chip: identity.chip, version: driver,
                identifier: "NV_GPU_DRIVER_\(identity.chip)_\(driver)"),
            NVIDIAManifestNeed(
                part: .firmware, chip: identity.chip, version: firmware,
                identifier: product.count == 3
                    ? "NV_GPU_VBIOS_\(product.joined(separator: "_"))_\(compact(firmware))" : nil),
        ]
    }

    private typealias Field = NVIDIAOpaqueData.Field

    private static func compact(_ version: String) -> String { version.uppercased().filter { $0 != "." } }

    /// Whether a manifest is for this version of this part of this chip.
    func isMet(by manifest: NVIDIAManifest) -> Bool {
        manifest.edition == part.edition && manifest.chip == chip
            && manifest.version.uppercased() == version.uppercased()
    }
}
