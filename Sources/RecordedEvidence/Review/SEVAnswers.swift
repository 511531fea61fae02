import Encodings
import Measurement
import RATS
import Verification

/// Known answers of AMD SEV: the keys of a session, launch measures, packets of secrets.
struct SEVAnswers {
    private let entry: EvidenceManifest.Entry
    private let folder: EvidenceFolder

    init(_ entry: EvidenceManifest.Entry, in folder: EvidenceFolder) {
        self.entry = entry
        self.folder = folder
    }

    func examine(_ findings: inout EntryFindings) throws(RecordedEvidenceError) {
        if let file = entry.file("session-kat.json") { try examineSession(file, &findings) }
        guard let file = entry.file("cases.json") else { return }
        let cases = try json(file)
        let isEncryptedState = entry.group == "sev-es"
        let launches = (cases["measurement"]?.arrayValue ?? []).filter { !isEncryptedState || $0["vmsa"] != nil }
        for launch in launches {
            let expected = launch["expected_b64"]?.base64Bytes ?? []
            guard let found = try measurement(launch, nonce: Array(expected.suffix(16))) else {
                findings.differs("the launch '\(launch["name"]?.stringValue ?? "")' cannot be measured")
                continue
            }
            findings.compare([
                fact("measure '\(launch["name"]?.stringValue ?? "")'", launch["expected_b64"], Base64.encode(found))
            ])
        }
        findings.verdict("\(launches.count) launches measured")
        if !isEncryptedState { try examineSecrets(cases["secret"]?.arrayValue ?? [], &findings) }
    }

    private func examineSession(_ file: String, _ findings: inout EntryFindings) throws(RecordedEvidenceError) {
        let answers = try json(file)
        func bytes(_ name: String) -> [UInt8] { answers[name]?.hexBytes ?? [] }
        let keys = SEVKeys.Agreed(secret: bytes("shared_secret_z"), nonce: bytes("nonce"))
        let wrapped = try? SEVKeys.counterMode(bytes("tek_tik"), key: keys.encryption, vector: bytes("wrap_iv"))
        findings.compare([
            fact("master secret", answers["master_secret"], Hex.encode(keys.master)),
            fact("KEK", answers["kek"], Hex.encode(keys.encryption)),
            fact("KIK", answers["kik"], Hex.encode(keys.integrity)),
            fact("wrapped keys", answers["wrap_tk"], Hex.encode(wrapped ?? [])),
            fact("wrap MAC", answers["wrap_mac"], Hex.encode(SEVKeys.code(wrapped ?? [], key: keys.integrity))),
            fact(
                "policy MAC", answers["policy_mac_tik0_policy0"],
                Hex.encode(SEVKeys.code([0, 0, 0, 0], key: [UInt8](repeating: 0, count: 16)))),
        ])
        guard let launch = answers["measure"], let key = launch["tik"]?.hexBytes else { return }
        let code = measure(launch, ["api_major", "api_minor"], nonce: launch["mnonce"]?.hexBytes ?? [])?.code(
            digest: launch["digest"]?.hexBytes ?? [], key: SecretBytes(key))
        findings.compare([fact("measure", launch["expected"], Hex.encode(code ?? []))])
        findings.verdict("session and measure computed")
    }

    private func measure(_ launch: JSONValue, _ api: [String]?, nonce: [UInt8]) -> SEVMeasuredLaunch? {
        let numbers = api.map { $0.map { launch[$0] } } ?? launch["api"]?.arrayValue ?? []
        let values = (numbers + [launch["build"]]).map { $0?.uintValue.flatMap(UInt8.init(exactly:)) }
        guard values.count == 3, let major = values[0], let minor = values[1], let build = values[2],
            let policy = launch["policy"]?.uintValue.flatMap(UInt32.init(exactly:))
        else { return nil }
        return SEVMeasuredLaunch(
            firmware: SEVFirmware(api: SEVInterfaceVersion(major: major, minor: minor), build: build),
            policy: SEVGuestPolicy(rawValue: policy), nonce: nonce)
    }

    /// Measure and nonce, 48 bytes; `nil` for a launch that lacks a member.
    private func measurement(_ launch: JSONValue, nonce: [UInt8]) throws(RecordedEvidenceError) -> [UInt8]? {
        guard let key = launch["tik"]?.stringValue, let measure = measure(launch, nil, nonce: nonce),
            let digest = try digest(launch)
        else { return nil }
        return measure.code(digest: digest, key: SecretBytes(try file(key))) + nonce
    }

    private func digest(_ launch: JSONValue) throws(RecordedEvidenceError) -> [UInt8]? {
        guard let name = launch["firmware"]?.stringValue else { return launch["launch_digest_b64"]?.base64Bytes }
        var kernel: KernelHashes?
        if let image = launch["kernel"]?.stringValue {
            let initrd = try launch["initrd"]?.stringValue.map { (name) throws(RecordedEvidenceError) in try file(name)
            }
            kernel = try? KernelHashes(
                kernel: MemoryArtifact(file(image)), initrd: initrd.map { MemoryArtifact($0) },
                commandLine: launch["cmdline"]?.stringValue ?? "")
        }
        var pages: [[UInt8]] = []
        for name in launch["vmsa"]?.arrayValue ?? [] { pages.append(try file(name.stringValue ?? "")) }
        let firmware = try file(name)
        return try? SEVLaunch(
            FirmwareImage(firmware), kernel: kernel, registers: pages.isEmpty ? .unmeasured : .recorded(pages)
        ).digest()
    }

    private func examineSecrets(
        _ cases: [JSONValue], _ findings: inout EntryFindings
    ) throws(RecordedEvidenceError) {
        for (index, item) in cases.enumerated() {
            if let files = item["entry_files"]?.arrayValue {
                for name in files {
                    let table = SEVSecretTable.bytes([(.diskPassword, try file(name.stringValue ?? ""))])
                    findings.compare([
                        FactComparison(
                            name: "length of \(name.stringValue ?? "")", expected: item["payload_length"] ?? .null,
                            found: .int(Int64(table?.count ?? 0)))
                    ])
                }
                continue
            }
            var entries: [(guid: SEVSecretGUID, data: [UInt8])] = []
            for pair in item["entries"]?.arrayValue ?? [] {
                guard let names = pair.arrayValue?.compactMap(\.stringValue), names.count == 2,
                    let guid = SEVSecretGUID(names[0])
                else { continue }
                entries.append((guid, try file(names[1])))
            }
            let launch = LaunchRecipient(
                encryptionKey: SecretBytes(try file(item["tek"]?.stringValue ?? "")),
                integrityKey: SecretBytes(try file(item["tik"]?.stringValue ?? "")),
                measure: Array((item["launch_measure_b64"]?.base64Bytes ?? []).prefix(32)))
            let packet = SEVSecretTable.bytes(entries).flatMap {
                try? SEVLaunchSecret(table: $0, for: launch, vector: item["iv_b64"]?.base64Bytes ?? [])
            }
            findings.compare([
                fact("header \(index)", item["expected_header_b64"], Base64.encode(packet?.headerBytes ?? [])),
                fact("payload \(index)", item["expected_payload_b64"], Base64.encode(packet?.ciphertext ?? [])),
            ])
        }
    }

    private func fact(_ name: String, _ expected: JSONValue?, _ found: String) -> FactComparison {
        FactComparison(name: name, expected: expected ?? .null, found: .string(found))
    }

    /// A file that the document of cases names, relative to itself.
    private func file(_ name: String) throws(RecordedEvidenceError) -> [UInt8] {
        let place = (entry.file("cases.json") ?? "").split(separator: "/").dropLast().joined(separator: "/")
        return try folder.bytes(place.isEmpty ? name : "\(place)/\(name)")
    }

    private func json(_ file: String) throws(RecordedEvidenceError) -> JSONValue {
        guard let value = try? JSONValue(parsing: folder.bytes(file)) else {
            throw .unreadable(file, "it is no JSON document.")
        }
        return value
    }
}

extension JSONValue {
    /// The bytes of a text in base64.
    fileprivate var base64Bytes: [UInt8]? { stringValue.flatMap { try? Base64.decode($0) } }
}
