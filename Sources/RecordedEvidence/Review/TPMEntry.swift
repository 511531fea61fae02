import Encodings
import FoundationEssentials
import RATS
import Verification
import X509Trust

/// Recorded quotes and certificates of TPMs.
struct TPMEntry {
    private let entry: EvidenceManifest.Entry
    private let folder: EvidenceFolder

    init(_ entry: EvidenceManifest.Entry, in folder: EvidenceFolder) {
        self.entry = entry
        self.folder = folder
    }

    func examine(_ findings: inout EntryFindings) async throws(RecordedEvidenceError) {
        let documents = try folder.documents(entry, tee: .tpm)
        guard documents.isEmpty else {
            let examination = EntryExamination(
                forms: documents, reportData: entry.claims["nonce"]?.hexBytes, careful: TPMVerifier(),
                lenient: TPMVerifier(), readings: Self.readings)
            return await examination.examine(entry, &findings)
        }
        let quotes = rawQuotes
        guard quotes.isEmpty else {
            for quote in quotes { try examine(quote, &findings) }
            return
        }
        try examineCertificates(&findings)
    }

    private static let readings = [
        FactReading("nonce", claim: "report_data"),
        FactReading("pcrs") { facts in
            .array((0..<24).map { facts.claims[$0 < 10 ? "pcr0\($0)" : "pcr\($0)"] ?? .null })
        },
    ]

    private struct RawQuote {
        let message: String
        let signature: String
        let key: String
        /// The bank by the name of the file, and the file with its registers.
        let bank: String?
    }

    /// Statements and signatures as tools write them: `quote.out` and `quotesig.out`, or `quote-sha256.msg` and
    /// `quote-sha256.tpmt_signature`.
    private var rawQuotes: [RawQuote] {
        if let message = entry.file("quote.out"), let signature = entry.file("quotesig.out"),
            let key = entry.file("akpub.pem")
        {
            return [RawQuote(message: message, signature: signature, key: key, bank: nil)]
        }
        return ["sha1", "sha256", "sha384"].compactMap { bank in
            guard let message = entry.file("quote-\(bank).msg"), let key = entry.file("ak_tpmt_public.bin"),
                let signature = entry.file("quote-\(bank).tpmt_signature")
            else { return nil }
            return RawQuote(message: message, signature: signature, key: key, bank: bank)
        }
    }

    private func examine(_ quote: RawQuote, _ findings: inout EntryFindings) throws(RecordedEvidenceError) {
        let (message, signature) = (try folder.bytes(quote.message), try folder.bytes(quote.signature))
        let keyBytes = try folder.bytes(quote.key)
        do throws(VerificationError) {
            let key = try Self.key(keyBytes, quote.key)
            let attestation = try TPMAttestation(parsing: message)
            _ = try TPMSignature(parsing: signature).verify(over: message, by: key)
            findings.verdict("quote signature good")
            if entry.expectation == .reject { findings.differs("its quote was accepted") }
            findings.compare(facts(of: attestation, quote.bank))
        } catch {
            guard error.code == "weak_algorithm" else { return findings.differs("it was refused: \(error.message)") }
            findings.gap("\(quote.message): \(error.message)")
        }
    }

    private static func key(_ bytes: [UInt8], _ file: String) throws(VerificationError) -> PublicKey {
        guard file.hasSuffix(".pem") else { return try TPMPublicArea(parsing: bytes).key }
        let lines = String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline)
        let body = lines.filter { !$0.hasPrefix("-----") }.joined()
        guard let spki = try? Base64.decode(body), let key = try? PublicKey(spki: spki) else {
            throw VerificationError(code: "malformed_evidence", message: "\(file) holds no public key.")
        }
        return key
    }

    private func facts(of attestation: TPMAttestation, _ bank: String?) -> [FactComparison] {
        let selection = JSONValue.array(
            attestation.selections.map {
                .array([.string("0x" + String($0.algorithm, radix: 16)), .array($0.indices.map { .int(Int64($0)) })])
            })
        let nonce = JSONValue.string(Hex.encode(attestation.extraData))
        let expected = [
            ("nonce", bank.flatMap { entry.claims["nonce"]?[$0] } ?? entry.claims["nonce"], nonce),
            ("pcrsel", entry.claims["pcrsel"], selection),
        ]
        return expected.compactMap { name, expected, found in
            expected.map { FactComparison(name: name, expected: $0, found: found) }
        }
    }

    /// Certificates of attestation keys (`ak-*.der`, or as the TPM stores them) with those of their authorities.
    private func examineCertificates(_ findings: inout EntryFindings) throws(RecordedEvidenceError) {
        var authorities: [[UInt8]] = []
        for file in entry.files where file.hasSuffix(".pem") {
            let text = String(decoding: try folder.bytes(file), as: UTF8.self)
            authorities += ((try? Certificate.all(pem: text)) ?? []).map(\.der)
        }
        let anchors = TPMTrustAnchors.clouds.roots.map(\.certificate.der)
        for file in entry.files where file.hasSuffix(".der") || file.hasSuffix(".bin") {
            let bytes = try folder.bytes(file)
            do throws(X509Error) {
                let leaf = try Certificate.prefix(of: bytes)
                try CertificateChain.verify(
                    leaf: leaf.der, intermediates: authorities, anchors: anchors, at: entry.date ?? leaf.notBefore)
                findings.verdict("leads to a pinned root")
            } catch {
                findings.differs("\(file) is refused: \(error.message)")
            }
        }
    }
}
