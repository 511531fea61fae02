public import Encodings
import FoundationEssentials
import Logging
import Policy
import Storage

extension Broker {
    /// Which policies decide, here and on the other brokers, and who signed them.
    ///
    /// `generation` is what the database is at, `inForce` what this broker decides by; `problem` says why what is stored
    /// cannot be used, when it cannot.
    public func policyStatus() async throws(BrokerError) -> JSONValue {
        let generation = try await storing { () async throws(StorageError) in try await policyDocuments.generation() }
        _ = try? await policies.current(atLeast: generation)
        await reportReplica()
        let alive = try await storing { () async throws(StorageError) in try await replicas.list() }
        let sources = try await sourceList()
        let compiled = policies.latest
        return [
            "generation": .int(generation), "inForce": .int(compiled.generation),
            "bundleDigest": .string(compiled.bundle.digest), "documents": .int(Int64(compiled.bundle.documents.count)),
            "signaturesRequired": .bool(policySignatures.isRequired),
            "bundles": .array(compiled.bundles.map { $0.json() }),
            "problem": policies.problem.map { problem in
                ["code": .string(problem.cause.rawValue), "details": .string(problem.details)]
            } ?? .null,
            "sources": .array(sources),
            "replica": .string(replicaID),
            "replicas": .array(alive.map { $0.json() }),
        ]
    }

    /// Tells the other brokers, and whoever asks them, what this one decides by.
    func reportReplica() async {
        let compiled = policies.latest
        // In a task of its own: a report that is given up could reach the database after the removal at the end.
        await Task {
            do throws(StorageError) {
                try await replicas.report(
                    id: replicaID, generation: compiled.generation, bundleDigest: compiled.bundle.digest,
                    problem: policies.problem?.cause.rawValue)
                metrics.databaseUp.record(1)
            } catch {
                metrics.databaseUp.record(0)
                logger.debug("no sign of life was left", metadata: ["reason": "\(error)"])
            }
        }.value
    }
}

extension Replica {
    fileprivate func json() -> JSONValue {
        [
            "id": .string(id), "generation": .int(generation), "bundleDigest": .string(bundleDigest),
            "problem": .optional(problem), "startedAt": .string(startedAt.rfc3339), "seenAt": .string(seenAt.rfc3339),
        ]
    }
}
