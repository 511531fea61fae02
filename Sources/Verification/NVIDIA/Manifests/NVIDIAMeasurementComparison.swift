/// A report's registers beside the values that manifests list for them.
struct NVIDIAMeasurementComparison: Sendable, Hashable {
    /// How many registers had one of their values.
    private(set) var matched = 0
    /// The manifests' indices of the registers that had not, or were not in the report.
    private(set) var mismatches: [Int] = []
    /// The indices that more than one manifest describes.
    private(set) var conflicts: [Int] = []

    /// The register of the video decoder's firmware, which is not loaded when the decoder is off.
    private static let decoderIndex = 35

    init(_ report: NVIDIAReport, with manifests: [NVIDIAManifest]) {
        var seen: Set<Int> = []
        for manifest in manifests {
            for (index, register) in manifest.registers.sorted(by: { $0.key < $1.key }) where register.isActive {
                guard seen.insert(index).inserted else {
                    conflicts.append(index)
                    continue
                }
                if index == Self.decoderIndex, report.opaque.isDecoderOff { continue }
                // Reports count from 1, manifests from 0.
                if let value = report.measurements[index + 1], register.alternatives.contains(value) {
                    matched += 1
                } else {
                    mismatches.append(index)
                }
            }
        }
    }
}
