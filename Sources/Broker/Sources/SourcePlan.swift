import Policy
import RATS
import Storage

/// What is to become of a source's documents, and of all others: nothing of theirs.
struct SourcePlan {
    private(set) var verdicts: [SourceVerdict]
    /// Everything that would be in force.
    private(set) var bundle = PolicyBundle.empty
    /// The former versions of documents that are refused, which stay in force.
    private(set) var former: [PolicyKey: PolicyDocument] = [:]
    private(set) var removed: Set<PolicyKey> = []
    /// Stored documents that stay and that nobody can read: they are not among those that were compiled.
    private(set) var unreadable: Set<PolicyKey> = []
    /// Why the changes do not compile together with the rest. It may name what is others', and is for the log.
    private(set) var problem: BrokerError?
    /// Whether documents that are not in the request stay all the same: one in it cannot be told apart, and may be any of them.
    let withholdsRemovals: Bool
    private let stored: PolicySnapshot
    private let digests: [PolicyKey: String]

    /// Judges a request against what is stored.
    ///
    /// - Parameters:
    ///   - read: Reads a stored row; nil when that cannot be done.
    ///   - compile: Compiles documents together with the registered reference values.
    /// - Throws: When what others stored does not compile by itself.
    init(
        _ request: SourceRequest, _ judge: SourceJudge, registered: ReferenceValues,
        read: (StoredPolicy) -> [PolicyDocument]?,
        compile: ([PolicyDocument]) throws(BrokerError) -> PolicyBundle
    ) throws(BrokerError) {
        stored = judge.stored
        digests = Dictionary(stored.policies.map { ($0.key, $0.digest) }) { first, _ in first }
        verdicts = judge.verdicts(request.documents)
        withholdsRemovals = verdicts.contains { $0.key == nil }
        let own = stored.names(ofOrigin: request.origin)
        let kept = Self.kept(verdicts, own, judge.uids, withholdsRemovals)
        let accepted = Set(verdicts.compactMap { $0.accepted?.key })
        var rest: [PolicyDocument] = []
        // What a broker installed stands again, like a former version, when the document that takes its place is refused.
        var formers: [PolicyKey: PolicyDocument] = [:]
        var unreadable: Set<PolicyKey> = []
        for row in stored.policies {
            let isReplaceable = own.contains(row.key) ? kept.contains(row.key) : accepted.contains(row.key)
            guard isReplaceable || !own.contains(row.key) else { continue }
            guard let documents = read(row) else {
                unreadable.insert(row.key)
                continue
            }
            if isReplaceable {
                for document in documents { formers[document.key] = document }
            } else {
                rest += documents
            }
        }
        settle(formers, beside: rest, registered)
        do throws(BrokerError) {
            bundle = try compile(rest + chosen(formers))
        } catch {
            // No document can be blamed alone: none of those that changed is taken.
            problem = error
            refuseChanges(
                .init(
                    "not_compiled",
                    "Together with what others have it does not compile; administrators find in the broker's log why."))
            bundle = try compile(rest + chosen(formers))
        }
        let taken = Set(verdicts.compactMap { $0.accepted?.key })
        former = formers.filter { !taken.contains($0.key) }
        self.unreadable = unreadable.subtracting(taken)
        removed = own.subtracting(taken).subtracting(kept)
    }

    /// The documents that are to be stored.
    var changed: [PolicyDocument] { verdicts.compactMap { $0.accepted.flatMap { isChanged($0) ? $0 : nil } } }

    /// Which object each document is that the source has afterwards.
    func uids(_ known: [PolicyKey: String]) -> [PolicyKey: String] {
        var uids = known.filter { former[$0.key] != nil || unreadable.contains($0.key) }
        for verdict in verdicts {
            if let key = verdict.accepted?.key, let uid = verdict.uid { uids[key] = uid }
        }
        return uids
    }

    /// What becomes of a document, in a word.
    func change(of verdict: SourceVerdict) -> String {
        guard let document = verdict.accepted else { return "refused" }
        return digests[document.key] == nil ? "created" : isChanged(document) ? "changed" : "unchanged"
    }

    // Rows that somebody wrote past the brokers may lie about their digests; one that a broker installed becomes the source's.
    private func isChanged(_ document: PolicyDocument) -> Bool {
        digests[document.key] != document.digest || !stored.violations.isEmpty
            || stored.origin(of: document.key) == PolicyRepository.installed
    }

    /// The names of documents whose former versions stay in force if they are refused.
    private static func kept(
        _ verdicts: [SourceVerdict], _ own: Set<PolicyKey>, _ uids: [PolicyKey: String], _ all: Bool
    ) -> Set<PolicyKey> {
        var kept = all ? own : []
        for verdict in verdicts {
            guard let key = verdict.key else { continue }
            // Another object had the name, and is gone; or the source may not have it any more.
            let isAnother = verdict.uid.flatMap { uid in uids[key].map { $0 != uid } } ?? false
            if isAnother || verdict.refusal?.isOfSource == true { kept.remove(key) } else { kept.insert(key) }
        }
        return kept
    }

    /// Refuses the documents that clash with others over the names of reference values.
    private mutating func settle(
        _ formers: [PolicyKey: PolicyDocument], beside rest: [PolicyDocument], _ registered: ReferenceValues
    ) {
        let places = verdicts.indices.filter { verdicts[$0].accepted.map(isChanged) ?? false }
        let changes = places.compactMap { place in
            verdicts[place].document.map { PolicyConflicts.Change($0, former: formers[$0.key]) }
        }
        let changing = Set(changes.map(\.document.key))
        let unchanged = chosen(formers).filter { !changing.contains($0.key) }
        let refusals = PolicyConflicts.refusals(of: changes, beside: rest + unchanged, registered: registered)
        for (index, diagnostic) in refusals { verdicts[places[index]].refusal = .init([diagnostic]) }
    }

    private mutating func refuseChanges(_ refusal: SourceVerdict.Refusal) {
        for place in verdicts.indices where verdicts[place].accepted.map(isChanged) ?? false {
            verdicts[place].refusal = refusal
        }
    }

    /// The accepted documents, and the former versions of the others.
    private func chosen(_ formers: [PolicyKey: PolicyDocument]) -> [PolicyDocument] {
        let accepted = verdicts.compactMap(\.accepted)
        let names = Set(accepted.map(\.key))
        return accepted + formers.filter { !names.contains($0.key) }.sorted { $0.key < $1.key }.map(\.value)
    }
}
