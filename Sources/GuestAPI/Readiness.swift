public import Guest

/// What an orchestrator wants to know before it sends work: the required files are there and a token can be had.
public struct Readiness: Sendable {
    private let files: ProjectedFiles
    private let unsealed: UnsealedFiles?
    private let client: KBSClient

    /// Readiness of an agent with these parts.
    public init(files: ProjectedFiles, unsealed: UnsealedFiles? = nil, client: KBSClient) {
        self.files = files
        self.unsealed = unsealed
        self.client = client
    }

    /// Sentences about what is missing; empty when the agent is ready.
    func obstacles() async -> [String] {
        var sentences = await files.missing.map { "\($0.path) is not written yet" }
        sentences += await unsealed?.missing.map { "\($0.output) is not written yet" } ?? []
        do throws(GuestError) {
            _ = try await client.token()
        } catch {
            sentences.append("no attestation token (\(error.code.rawValue))")
        }
        return sentences
    }
}
