public import Guest
import Synchronization

/// What an orchestrator wants to know before it sends work: the required secrets are there and a token can be had.
public struct Readiness: Sendable {
    private let files: ProjectedFiles
    private let secrets: PodSecrets?
    private let unsealed: UnsealedFiles?
    private let client: KBSClient
    private let start = Start()

    /// Whether the agent was ready once.
    private final class Start: Sendable {
        private let value = Atomic(false)
        var isOver: Bool { value.load(ordering: .relaxed) }
        func end() { value.store(true, ordering: .relaxed) }
    }

    /// Readiness of an agent with these parts.
    public init(
        files: ProjectedFiles, secrets: PodSecrets? = nil, unsealed: UnsealedFiles? = nil, client: KBSClient
    ) {
        self.files = files
        self.secrets = secrets
        self.unsealed = unsealed
        self.client = client
    }

    /// Sentences about what is missing; empty when the agent is ready.
    func obstacles() async -> [String] {
        var sentences = await files.missing.map { "\($0.path) is not written yet" }
        sentences += await secrets?.missing.map { "\($0.file?.path ?? $0.uri.description) is not there" } ?? []
        sentences += await unsealed?.missing.map { "\($0.output) is not written yet" } ?? []
        do throws(GuestError) {
            try await client.requireToken()
        } catch {
            sentences.append("no attestation token (\(error.code.rawValue))")
        }
        if sentences.isEmpty { start.end() }
        return sentences
    }

    /// What keeps the agent from having started; empty for good once it was ready.
    func obstaclesToStart() async -> [String] {
        start.isOver ? [] : await obstacles()
    }
}
