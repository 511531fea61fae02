/// The processors that a guest starts with.
public struct VirtualProcessors: Sendable, Hashable {
    /// More processors than any hypervisor gives a guest.
    public static let maximumCount = 4096

    /// How many there are.
    public let count: Int
    /// Their model; `nil` where the hypervisor does not show it in the registers.
    public let model: ProcessorModel?
    /// Who sets their registers.
    public let hypervisor: Hypervisor

    /// Processors of a guest.
    ///
    /// - Throws: `invalid_input` for a count out of 1 to 4096, and for QEMU without a model.
    public init(count: Int, model: ProcessorModel?, hypervisor: Hypervisor = .qemu) throws(MeasurementError) {
        guard (1...Self.maximumCount).contains(count) else {
            throw MeasurementError(.invalidInput, "A guest has 1 to \(Self.maximumCount) processors, not \(count).")
        }
        guard model != nil || !hypervisor.measuresProcessorModel else {
            throw MeasurementError(
                .invalidInput, "The model of the processors is measured: say which it is, as after QEMU's -cpu.")
        }
        self.count = count
        self.model = model
        self.hypervisor = hypervisor
    }

    /// The pages with the registers, that of the first processor first.
    ///
    /// Throws `unsupported_firmware` when there are others and the firmware does not say where these begin.
    func pages(
        startedBy firmware: FirmwareImage, features: UInt64
    ) throws(MeasurementError) -> [(page: [UInt8], count: Int)] {
        let first = SaveArea.realMode(
            entry: SaveArea.resetAddress, features: features, hypervisor: hypervisor, model: model)
        guard count > 1 else { return [(first.page, 1)] }
        guard let entry = try firmware.number(.resetVector, "the reset vector"), entry != 0 else {
            throw MeasurementError(
                .unsupportedFirmware,
                "The firmware does not say where processors begin, so that it can start a guest with one only.")
        }
        let others = SaveArea.realMode(entry: entry, features: features, hypervisor: hypervisor, model: model)
        return [(first.page, 1), (others.page, count - 1)]
    }
}
