import Encodings

@testable import Verification

#if canImport(Glibc)
    import Glibc
#endif

extension FuzzTarget {
    /// The report of a GPU or switch: what is signed and the signature are all of it, and names no register twice.
    func nvidiaReport(_ bytes: [UInt8]) {
        guard let report = try? NVIDIAReport(parsing: bytes, allowsTrailingZeros: true) else { return }
        guard report.signed + report.signature + [UInt8](repeating: 0, count: report.trailingZeros) == bytes,
            report.measurements.values.allSatisfy({ $0.count == 48 })
        else { abort() }
        _ = report.opaque.gpuFirmwareVersion
        _ = report.opaque.measurementCounts
        _ = report.opaque.identifiers(.switchIdentifiers, limit: 64)
    }

    /// The document of devices, and the digests of firmware in their certificates.
    func nvidiaEvidence(_ bytes: [UInt8]) {
        _ = FirmwareIdentifier.composite(bytes)
        _ = FirmwareIdentifier.layers(bytes)
        guard let content = try? JSONValue(parsing: bytes), let evidence = try? NVIDIAEvidence(content) else { return }
        for device in evidence.devices { nvidiaReport(device.report) }
    }

    /// A manifest: nobody here signed it, unless it is one of NVIDIA's.
    func nvidiaManifest(_ bytes: [UInt8]) {
        guard let manifest = try? NVIDIAManifest(parsing: bytes) else { return }
        guard manifest.chain.certificates.count == 4, !manifest.registers.isEmpty else { abort() }
    }

    /// XML, and its canonical form: what has no reference in it is read again to the same form.
    func canonicalXML(_ bytes: [UInt8]) {
        guard let root = try? XMLDocument(parsing: bytes).root else { return }
        let form = root.canonical()
        guard !form.contains(UInt8(ascii: "&")) else { return }
        let limits = XMLDocument.Limits(bytes: .max, attributes: .max)
        guard let again = try? XMLDocument(parsing: form, limits: limits).root, again.canonical() == form else {
            abort()
        }
    }
}
