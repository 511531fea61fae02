import RATS

/// A complete set of GPUs and switches between which all traffic is protected.
struct NVIDIATopology: Sendable, Hashable {
    let gpus: Int
    let switches: Int

    /// What NVIDIA protects as a whole: the eight GPUs and four switches of one board.
    private static let complete = NVIDIATopology(gpus: 8, switches: 4)
    private static let links = 64

    private init(gpus: Int, switches: Int) {
        self.gpus = gpus
        self.switches = switches
    }

    /// The set that these devices are; `nil` when none of the GPUs has protected PCIe.
    ///
    /// Throws `topology_incomplete` when some have and it is not the whole of a set, or the devices do not name each other.
    init?(_ devices: [NVIDIADevice]) throws(VerificationError) {
        let gpus = devices.filter { $0.identity.architecture.deviceClass == .gpu }.map(\.report.opaque)
        let switches = devices.filter { $0.identity.architecture.deviceClass == .switch }.map(\.report.opaque)
        guard gpus.contains(where: \.isProtectedPCIe) else { return nil }
        guard gpus.allSatisfy(\.isProtectedPCIe), gpus.count == Self.complete.gpus,
            switches.count == Self.complete.switches
        else {
            throw Self.incomplete(
                "there are \(gpus.count) GPUs and \(switches.count) switches instead of \(Self.complete.gpus) and "
                    + "\(Self.complete.switches), or some are in another mode")
        }
        let own = switches.map { $0.identifiers(.switchIdentifiers, limit: 1) }
        // GPUs write the bytes of a switch's identifier in the other order.
        let identifiers = Set(own.joined().map { Array($0.reversed()) })
        guard own.allSatisfy({ $0.count == 1 }), identifiers.count == switches.count else {
            throw Self.incomplete("a switch does not say which it is, or two say the same")
        }
        guard gpus.allSatisfy({ $0.identifiers(.switchIdentifiers, limit: Self.links) == identifiers }) else {
            throw Self.incomplete("a GPU names other switches than are there")
        }
        let seen = Set(switches.map { $0.identifiers(.gpuIdentifiers, limit: Self.complete.gpus) })
        guard seen.count == 1, seen.first?.count == gpus.count else {
            throw Self.incomplete("the switches do not name the same \(gpus.count) GPUs")
        }
        self.init(gpus: gpus.count, switches: switches.count)
    }

    private static func incomplete(_ reason: String) -> VerificationError {
        VerificationError(
            code: "topology_incomplete", message: "The devices with protected PCIe are no whole set: \(reason).")
    }
}
