import Encodings
import FoundationEssentials
import RATS
import Verification
import X509Trust

/// Recorded quotes of SGX enclaves and TDX trust domains.
///
/// Three things are asked of one: that its own signatures and facts are as expected, that each collateral of the manifest
/// that is at hand gives the expected opinion of the platform, and that it is accepted or refused as a whole.
struct QuoteEntry {
    private let entry: EvidenceManifest.Entry
    private let folder: EvidenceFolder
    private let tee: TEE
    private let collateral: RecordedCollateral
    private let opinions: [ExpectedOpinion]
    private var date: Date

    init(
        _ entry: EvidenceManifest.Entry, _ tee: TEE, in folder: EvidenceFolder, _ collateral: RecordedCollateral
    ) {
        self.collateral = collateral
        self.entry = entry
        self.folder = folder
        self.tee = tee
        opinions = (entry.claims["tcb_verdicts"]?.arrayValue ?? []).compactMap(ExpectedOpinion.init)
        date = entry.date ?? WallClock.system.now()
    }

    /// Manifests date entries by collateral, which may be older than the platform's certificate: then the entry is
    /// verified on the first day of its opinions on which the certificate is valid.
    private mutating func moveIntoValidity(of quote: [UInt8], _ findings: inout EntryFindings) {
        let days = [date] + opinions.map(\.date).sorted()
        let day = days.first { day in
            do throws(VerificationError) {
                _ = try QuoteInspection(quote: quote, at: day)
                return true
            } catch {
                return error.code != "certificate_not_yet_valid"
            }
        }
        guard let day, day != date else { return }
        findings.gap("its certificate is younger than the manifest's date: verified at \(day.formatted(.iso8601))")
        date = day
    }

    mutating func examine(_ findings: inout EntryFindings) async throws(RecordedEvidenceError) {
        guard let evidence = try evidence() else { return findings.differs("none of its files holds a quote") }
        if let quote = Self.quote(evidence) { moveIntoValidity(of: quote, &findings) }
        let inspection = inspect(evidence, &findings)
        let compared = await compareOpinions(evidence, &findings)
        let collateral = collateral.inForce(at: date)
        let verdict = await Self.verdict(on: evidence, tee, .careful, reportData, collateral, at: date)
        findings.verdict(verdict.summary)
        settle(verdict, evidence, inspection, &findings)
        if compared < opinions.count {
            findings.gap("collateral for \(compared) of \(opinions.count) opinions is in the folder")
        }
    }

    private var reportData: [UInt8]? { entry.claims["report_data"]?.hexBytes }

    /// The guest's document, or one made of the raw quote and event log.
    private func evidence() throws(RecordedEvidenceError) -> Evidence? {
        if let document = try folder.documents(entry, tee: tee).first { return document }
        guard let file = entry.file("quote.bin") ?? entry.file("quote.dat") else { return nil }
        var content: JSONObject = ["quote": .string(Base64.encode(try folder.bytes(file)))]
        if let log = entry.file("cc_eventlog.bin.gz") ?? entry.file("cc_eventlog.bin") {
            content["cc_eventlog"] = .string(Base64.encode(try folder.bytes(log)))
        }
        return Evidence(tee: tee, content: .object(content))
    }

    private static func quote(_ evidence: Evidence) -> [UInt8]? {
        evidence.content["quote"]?.stringValue.flatMap { try? Base64.decode($0) }
    }

    /// Compares the facts that the quote states by itself.
    private func inspect(_ evidence: Evidence, _ findings: inout EntryFindings) -> QuoteInspection? {
        guard let quote = Self.quote(evidence) else { return nil }
        do throws(VerificationError) {
            let inspection = try QuoteInspection(quote: quote, at: date)
            findings.compare(
                QuoteFacts.comparisons(of: entry.claims, in: inspection, trailing: QuoteFacts.trailing(quote)))
            return inspection
        } catch {
            if entry.expectation != .reject { findings.differs("its signatures do not hold: \(error.message)") }
            return nil
        }
    }

    /// Compares what each of the manifest's collateral sets, as far as it is at hand, says of the platform.
    private func compareOpinions(
        _ evidence: Evidence, _ findings: inout EntryFindings
    ) async -> Int {
        var compared = 0
        for opinion in opinions {
            let collateral = collateral.inForce(at: opinion.date, evaluation: opinion.evaluation)
            let verdict = await Self.verdict(
                on: evidence, tee, .lenient, reportData, collateral, at: opinion.date)
            guard let agrees = opinion.agrees(with: verdict) else { continue }
            compared += 1
            if !agrees { findings.differs("at \(opinion.date.formatted(.iso8601)) it is not \(opinion.status)") }
        }
        return compared
    }

    private func settle(
        _ verdict: EvidenceVerdict, _ evidence: Evidence, _ inspection: QuoteInspection?,
        _ findings: inout EntryFindings
    ) {
        switch (entry.expectation, verdict.result) {
        case (.accept, .success), (.acceptCrypto, .success): break
        case (.reject, .success): findings.differs("it was accepted")
        case (_, .failure(let error)) where Self.isMissing(error):
            settleWithoutCollateral(evidence, inspection, &findings)
        case (.accept, .failure(let error)): findings.differs("it was refused: \(error.message)")
        case (.acceptCrypto, .failure) where inspection == nil: findings.differs("its signatures do not hold")
        case (.acceptCrypto, .failure), (.reject, .failure): break
        default: findings.differs("'\(entry.expectation.rawValue)' asks nothing of a quote")
        }
    }

    /// Without collateral the quote alone must hold, or the event log must be the reason to refuse it.
    private func settleWithoutCollateral(
        _ evidence: Evidence, _ inspection: QuoteInspection?, _ findings: inout EntryFindings
    ) {
        findings.gap("no collateral of its day is in the folder: only the quote itself was verified")
        let log = evidence.content["cc_eventlog"]?.stringValue.flatMap { try? Base64.decode($0) }
        guard let log, let inspection else {
            if entry.expectation == .reject { findings.undecided("without collateral nothing refuses it") }
            return
        }
        do throws(VerificationError) {
            try inspection.requireEvents(of: EventLog.parse(log))
            if entry.expectation == .reject { findings.differs("its event log was accepted") }
        } catch {
            findings.verdict("refused: \(error.code)")
            if entry.expectation == .accept { findings.differs("its event log was refused: \(error.message)") }
        }
    }

    private static func isMissing(_ error: VerificationError) -> Bool {
        ["collateral_unavailable", "revocation_unknown"].contains(error.code)
    }

    /// A lenient verifier lets in what rules can let in, so that the platform's opinion is heard.
    private static func verdict(
        on evidence: Evidence, _ tee: TEE, _ strictness: OfflineVerifiers.Strictness, _ reportData: [UInt8]?,
        _ collateral: FixedCollateral,
        at date: Date
    ) async -> EvidenceVerdict {
        let verifier: any EvidenceVerifier =
            tee == .sgx ? OfflineVerifiers.sgx(strictness) : OfflineVerifiers.tdx(strictness)
        return await EvidenceVerdict(
            on: evidence, by: [verifier], reportData: reportData,
            context: VerificationContext(clock: .fixed(date), collateral: collateral))
    }
}

/// What the manifest expects Intel's collateral of one day to say of a platform.
private struct ExpectedOpinion {
    let status: String
    let advisories: Set<String>
    let evaluation: UInt64
    let date: Date

    init?(_ value: JSONValue) {
        guard let status = value["status"]?.stringValue, let evaluation = value["eval"]?.uintValue,
            let date = value["verify_at"]?.stringValue.flatMap({ try? Date($0, strategy: .iso8601) })
        else { return nil }
        self.status = status
        self.evaluation = evaluation
        self.date = date
        advisories = Set((value["advisories"]?.arrayValue ?? []).compactMap(\.stringValue))
    }

    /// Whether the verdict is this opinion; `nil` when it was not reached, because collateral is missing or because the
    /// guest is refused whatever the platform.
    func agrees(with verdict: EvidenceVerdict) -> Bool? {
        switch verdict.result {
        case .success(let found):
            guard let claims = found.first?.claims else { return false }
            let named = Set((claims["advisory_ids"]?.arrayValue ?? []).compactMap(\.stringValue))
            return claims["tcb_status"]?.stringValue == status && named == advisories
        case .failure(let error):
            switch error.code {
            case "tcb_unsupported": return status == "NoMatchingLevel"
            case "tcb_revoked": return status == "Revoked"
            default: return nil
            }
        }
    }
}
