import Encodings

/// A certificate that the host hands out with reports (GHCB specification, extended guest request).
struct SNPHostCertificate: Sendable, Hashable {
    private static let entrySize = 24
    private static let mostEntries = 16
    private static let names = [
        "c0b406a4-a803-4952-9743-3fb6014cd0ae": "ARK", "4ab7b379-bbac-4fe4-a02f-05aef327c782": "ASK",
        "63da758d-e664-4564-adc5-f4b93be8accd": "VCEK", "a8074bc2-a25a-483e-aae6-39c045a0b8a1": "VLEK",
        "92f81bc3-5811-4d3d-97ff-d19f88dc67ea": "CRL",
    ]

    /// What it is, as a GUID.
    let kind: String
    /// Its bytes.
    let content: [UInt8]

    /// As the sev crate writes it.
    var json: JSONValue {
        let type = Self.names[kind].map(JSONValue.string) ?? ["OTHER": .string(kind)]
        return ["cert_type": type, "data": .bytes(content)]
    }

    /// The certificates of a table: entries of GUID, offset and size until an entry of zeros.
    ///
    /// - Throws: `evidence_failed` when the table is not what it should be. It comes from the host.
    static func list(in table: [UInt8]) throws(GuestError) -> [SNPHostCertificate] {
        guard !table.isEmpty else { return [] }
        var certificates: [SNPHostCertificate] = []
        for start in stride(from: 0, through: table.count - entrySize, by: entrySize) {
            let guid = Array(table[start..<start + 16])
            if guid.allSatisfy({ $0 == 0 }) { return certificates }
            let offset = Int(table.littleEndian(start + 16..<start + 20))
            let size = Int(table.littleEndian(start + 20..<start + 24))
            guard certificates.count < mostEntries, offset + size <= table.count else { break }
            certificates.append(
                SNPHostCertificate(kind: text(guid), content: Array(table[offset..<offset + size])))
        }
        throw GuestError(
            .evidence,
            "The host's certificate table has no end, more than \(mostEntries) entries, or points outside of itself; "
                + "the host has to set it anew.")
    }

    /// The first three groups are numbers, least significant byte first.
    private static func text(_ guid: [UInt8]) -> String {
        let groups: [[UInt8]] = [
            guid[0..<4].reversed(), guid[4..<6].reversed(), guid[6..<8].reversed(), Array(guid[8..<10]),
            Array(guid[10...]),
        ]
        return groups.map { Hex.encode($0) }.joined(separator: "-")
    }
}
