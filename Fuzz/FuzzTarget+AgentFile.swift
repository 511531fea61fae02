import Encodings

@testable import Guest

#if canImport(Glibc)
    import Glibc
#endif

/// The agent's configuration: an `aa.toml` or `cdh.toml` comes out of init-data, which the host hands over.
extension FuzzTarget {
    func agentFile(_ text: String) {
        _ = try? KBCParameters(text)
        _ = KernelCommandLine(text).value(of: KBCParameters.kernelParameter)
        for name in ["fuzz.toml", "fuzz.json"] {
            guard let document = try? ConfigurationDocument(text, name: name) else { continue }
            if let file = try? AgentFile(document.root) { check(file, from: document.root) }
            if let file = try? ComponentFile.attestationAgent(document) { check(file.agent) }
            if let file = try? ComponentFile.confidentialDataHub(document) {
                check(file.agent)
                let isBelow = { (path: String) in
                    path.hasPrefix(CredentialFolder.path + "/") && !path.split(separator: "/").contains("..")
                }
                guard file.credentials.allSatisfy({ isBelow($0.path) }) else { abort() }
            }
        }
    }

    private func check(_ file: AgentFile, from root: JSONObject) {
        check(file)
        // TOML and JSON are two spellings of the same.
        guard let again = try? AgentFile(JSONObject(parsing: root.serialized())), again.secrets == file.secrets else {
            abort()
        }
    }

    private func check(_ file: AgentFile) {
        for secret in file.secrets {
            // Nobody but the owner writes, and a lease is renewed before it ends.
            if let place = secret.file {
                let isPlain = place.path.hasPrefix("/") && !place.path.split(separator: "/").contains("..")
                guard isPlain, place.mode & 0o022 == 0, !place.name.isEmpty, !place.folder.isEmpty else { abort() }
            }
            guard secret.refresh >= 0, secret.lease.map({ $0 > secret.refresh }) ?? true else { abort() }
            if case .callback(let url) = secret.notice, !ChangeNotice.isLocal(url) { abort() }
        }
        let values = AgentFile.options.flatMap { file.values(of: $0) }
        guard values.allSatisfy({ !$0.isEmpty }) else { abort() }
    }
}
