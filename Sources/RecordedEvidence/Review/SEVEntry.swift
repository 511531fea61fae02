import Encodings
import RATS
import Verification

/// Certificates of AMD SEV platforms, and known answers of sessions, launch measures and packets of secrets.
struct SEVEntry {
    private let entry: EvidenceManifest.Entry
    private let folder: EvidenceFolder

    init(_ entry: EvidenceManifest.Entry, in folder: EvidenceFolder) {
        self.entry = entry
        self.folder = folder
    }

    func examine(_ findings: inout EntryFindings) throws(RecordedEvidenceError) {
        if entry.expectation == .knownAnswer {
            return try SEVAnswers(entry, in: folder).examine(&findings)
        }
        if entry.expectation == .trustAnchor { return try examineRoots(&findings) }
        do throws(VerificationError) {
            let platforms = try verified()
            guard let first = platforms.first else { return findings.differs("none of its files holds a chain") }
            findings.verdict("accepted")
            if entry.expectation != .accept { findings.differs("it was accepted") }
            if platforms.contains(where: { $0 != first }) { findings.differs("its forms lead to different platforms") }
        } catch {
            findings.verdict("refused: \(error.code)")
            if entry.expectation != .reject { findings.differs("it was refused: \(error.message)") }
        }
        if let request = try request() {
            findings.compare([
                FactComparison(
                    name: "build", expected: entry.claims["build"] ?? .null, found: request["build"] ?? .null)
            ])
            findings.gap("the keys of its session are not in it, so that no launch was proved")
        }
    }

    /// The platform behind each form of the chain that the entry has.
    private func verified() throws(VerificationError) -> [SEVPlatform] {
        var platforms: [SEVPlatform] = []
        if let chain = try chain() { platforms.append(try SEVPlatform(chain, under: .amd)) }
        if let request = try? request() {
            platforms.append(try SEVPlatform(SEVRequest(request).chain, under: .amd))
        }
        if platforms.isEmpty { try examineParts() }
        return platforms
    }

    /// A root by itself, or a chip's certificate beside a signing key's.
    private func examineParts() throws(VerificationError) {
        if let bytes = bytes("naples-ark-576.cert") {
            _ = try SEVAuthorityCertificate(parsing: bytes, "The root's certificate (ARK)")
        }
        guard let cek = bytes("cek.cert"), let ask = bytes("ask.cert") else { return }
        let signer = try SEVAuthorityCertificate(parsing: ask, "The signing key's certificate (ASK)")
        guard try SEVCertificate(parsing: cek, "The chip's certificate (CEK)").isCertified(by: signer) else {
            throw VerificationError(
                code: "chain_not_trusted", message: "The chip is not one that the signing key certified.")
        }
    }

    private func chain() throws(VerificationError) -> SEVPresentedChain? {
        guard let pdh = bytes("pdh.cert"), let pek = bytes("pek.cert"), let oca = bytes("oca.cert"),
            let cek = bytes("cek.cert")
        else { return nil }
        var chain = SEVPresentedChain(pdh: pdh, pek: pek, oca: oca, cek: cek)
        if let ask = bytes("ask.cert"), let ark = bytes("ark.cert") {
            chain.authorities = .init(ask: ask, ark: ark)
        }
        return chain
    }

    private func bytes(_ name: String) -> [UInt8]? { entry.file(name).flatMap { try? folder.bytes($0) } }

    private func request() throws(RecordedEvidenceError) -> JSONValue? {
        guard let file = entry.file("request.json") else { return nil }
        guard let value = try? JSONValue(parsing: folder.bytes(file)), let parameters = value["extra-params"] else {
            throw .unreadable(file, "it is no request.")
        }
        return parameters
    }

    /// Each generation's root must be the one that is pinned, with a signing key of its own.
    private func examineRoots(_ findings: inout EntryFindings) throws(RecordedEvidenceError) {
        for file in entry.files where file.hasSuffix("/ark.cert") {
            let parts = file.split(separator: "/")
            let (root, signer) = (try folder.bytes(file), try folder.bytes(file.dropLast(8) + "ask.cert"))
            guard let found = try? SEVAuthorities.amd.pair(presentedRoot: root, signer: signer),
                found.generation.name == parts[parts.count - 2]
            else {
                findings.differs("\(file) is not pinned")
                continue
            }
            findings.verdict("pinned")
        }
    }
}
