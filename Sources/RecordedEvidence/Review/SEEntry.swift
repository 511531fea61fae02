import Encodings
import FoundationEssentials
import RATS
import Verification
import X509Trust

/// Known answers of IBM Secure Execution: measurements, host-key documents, and the header of an image.
struct SEEntry {
    private let entry: EvidenceManifest.Entry
    private let folder: EvidenceFolder

    init(_ entry: EvidenceManifest.Entry, in folder: EvidenceFolder) {
        self.entry = entry
        self.folder = folder
    }

    func examine(_ findings: inout EntryFindings) throws(RecordedEvidenceError) {
        try examineMeasurements(&findings)
        try examineHostKeys(&findings)
        if let file = entry.file("secure_guest.hdr") {
            let bytes = try folder.bytes(file)
            do throws(VerificationError) {
                let header = try SEImageHeader(parsing: bytes)
                findings.compare([
                    FactComparison(
                        name: "tag of \(file)", expected: .string(Hex.encode(Array(bytes.suffix(16)))),
                        found: .string(Hex.encode(header.tag)))
                ])
            } catch {
                findings.differs("\(file) cannot be read: \(error.message)")
            }
        }
        findings.gap("there is no evidence of a machine in it, so no session was verified")
    }

    private func json(_ file: String) throws(RecordedEvidenceError) -> JSONValue {
        guard let value = try? JSONValue(parsing: folder.bytes(file)) else {
            throw .unreadable(file, "it is no JSON document.")
        }
        return value
    }

    private func examineMeasurements(_ findings: inout EntryFindings) throws(RecordedEvidenceError) {
        guard let file = entry.file("measurement-kat.json") else { return }
        let cases = try json(file).arrayValue ?? []
        for item in cases {
            func bytes(_ name: String) -> [UInt8] { item[name]?.hexBytes ?? [] }
            let measurement = SEMeasurement(
                tags: ["pld", "ald", "tld", "tag"].flatMap(bytes), configurationID: bytes("cuid"),
                userData: bytes("user"), nonce: bytes("nonce"), additionalData: bytes("add"))
            findings.compare([
                FactComparison(
                    name: "measurement \(item["name"]?.stringValue ?? "")", expected: item["expected"] ?? .null,
                    found: .string(Hex.encode(measurement.code(key: bytes("meas_key")))))
            ])
        }
        findings.verdict("\(cases.count) measurements computed")
    }

    private func examineHostKeys(_ findings: inout EntryFindings) throws(RecordedEvidenceError) {
        guard let file = entry.file("hkd-cases.json") else { return }
        let document = try json(file)
        guard let directory = document["directory"]?.stringValue, let cases = document["cases"]?.arrayValue,
            let date = document["clock"]?.stringValue.flatMap({ try? Date($0, strategy: .iso8601) })
        else { return findings.differs("\(file) has another form") }
        for item in cases {
            let isAccepted = try isAccepted(item, below: directory, at: date)
            findings.compare([
                FactComparison(
                    name: "host key '\(item["name"]?.stringValue ?? "")'", expected: item["expect"] ?? .null,
                    found: isAccepted ? "accept" : "reject")
            ])
        }
        findings.verdict("\(cases.count) host-key documents judged")
    }

    private func isAccepted(
        _ item: JSONValue, below directory: String, at date: Date
    ) throws(RecordedEvidenceError) -> Bool {
        func text(_ member: String) throws(RecordedEvidenceError) -> String? {
            guard let name = item[member]?.stringValue else { return nil }
            return String(decoding: try folder.bytes("\(directory)/\(name)"), as: UTF8.self)
        }
        func certificates(_ member: String) throws(RecordedEvidenceError) -> [Certificate] {
            (try text(member).flatMap { try? Certificate.all(pem: $0) }) ?? []
        }
        var lists: [RevocationList] = []
        for member in ["ibm_crl", "intermediate_crl"] {
            if let list = try text(member).flatMap({ try? RevocationList(pem: $0) }) { lists.append(list) }
        }
        let roots = try certificates("root").filter { $0.subject == $0.issuer }.prefix(1)
        let trust = SEHostKeyTrust(
            anchors: roots.map { PinnedAnchor(name: "root", certificate: $0) },
            authorities: try certificates("ibm_signing") + certificates("intermediate"), lists: lists)
        guard let hostKey = try certificates("host_key_document").first else { return false }
        return (try? trust.verify(hostKey, at: date)) != nil
    }
}
