import ArgumentParser
import Encodings
import FoundationEssentials
import RATS
import RecordedEvidence

/// Evidence in a file, and what it is looked at with.
struct EvidenceOptions: ParsableArguments {
    @Option(help: "The kind of evidence, such as snp or tdx; otherwise its form tells.")
    var tee: String?

    @Option(help: "The time at which certificates and collateral must be valid, RFC 3339; otherwise now.")
    var at: String?

    @Option(
        help: """
            A folder with collateral: Intel's documents (.json) and revocation lists (.der, .crl) and the certificates \
            of their signers (.pem), AMD's revocation lists.
            """)
    var collateral: String?

    func validate() throws {
        if let tee, TEE(wireName: tee) == nil { throw ValidationError("there is no kind of evidence '\(tee)'") }
        if let at, (try? Date(at, strategy: .iso8601)) == nil {
            throw ValidationError("--at is a time such as 2026-01-31T12:00:00Z")
        }
    }

    var date: Date { at.flatMap { try? Date($0, strategy: .iso8601) } ?? Date() }

    func evidence(in file: String) throws -> Evidence {
        let bytes = try InputFile.read(file, limit: EvidenceDocument.maximumSize)
        return try EvidenceDocument.evidence(bytes, tee: tee.flatMap(TEE.init(wireName:)))
    }

    func context() throws -> VerificationContext {
        guard let collateral else { return VerificationContext(clock: .fixed(date)) }
        let recorded = try RecordedCollateral(EvidenceFolder(path: collateral))
        return VerificationContext(clock: .fixed(date), collateral: recorded.inForce(at: date))
    }
}
