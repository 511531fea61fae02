import RATS

/// A generation of NVIDIA's devices, which settles the form of its certificates.
package enum NVIDIAArchitecture: String, Sendable, Hashable, CaseIterable {
    /// GPUs whose chips are called GH….
    case hopper = "HOPPER"
    /// GPUs whose chips are called GB….
    case blackwell = "BLACKWELL"
    /// NVLink switches whose chip is called LS10.
    case ls10 = "LS10"

    /// The generation of this name in any case: agents up to v0.20 write it in title case.
    init?(wireName: String) { self.init(rawValue: wireName.uppercased()) }

    /// The generation of a chip, such as `GH100`.
    init?(chip: String) {
        switch chip {
        case "LS10": self = .ls10
        case _ where chip.hasPrefix("GH"): self = .hopper
        case _ where chip.hasPrefix("GB"): self = .blackwell
        default: return nil
        }
    }

    /// What such devices are.
    var deviceClass: DeviceClass { self == .ls10 ? .switch : .gpu }

    /// The part of NVIDIA's claim names that says what the device is.
    var claimPart: String { self == .ls10 ? "switch" : "gpu" }
}
