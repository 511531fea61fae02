import Encodings

/// The parts of one or more kubeconfig files; of a name that several files give, the first one counts.
struct Kubeconfig {
    /// A named entry, and the folder that its relative paths start from.
    struct Entry {
        let name: String
        let content: KubeconfigSection
        let folder: String
    }

    private(set) var currentContext: String?
    private(set) var contexts: [Entry] = []
    private(set) var clusters: [Entry] = []
    private(set) var users: [Entry] = []

    /// Adds the parts of a file.
    mutating func add(_ text: String, named name: String, folder: String) throws(KubernetesError) {
        let root = try KubeconfigSection(parsing: text, named: name)
        if currentContext == nil { currentContext = try root.text("current-context") }
        contexts += try entries(root, "contexts", "context", folder)
        clusters += try entries(root, "clusters", "cluster", folder)
        users += try entries(root, "users", "user", folder)
    }

    private func entries(
        _ root: KubeconfigSection, _ list: String, _ member: String, _ folder: String
    ) throws(KubernetesError) -> [Entry] {
        var entries: [Entry] = []
        for item in try root.sections(list) {
            guard let name = try item.text("name") else { throw root.fault("an entry of \(list) has no name") }
            guard let content = try item.section(member) else { continue }
            entries.append(Entry(name: name, content: content, folder: folder))
        }
        return entries
    }

    /// What a context describes, the current one if none is named.
    func configuration(context wanted: String?) throws(KubernetesError) -> KubernetesConfiguration {
        guard let name = wanted ?? currentContext else {
            throw KubernetesError(
                .configuration, message: "The kubeconfig has no current-context, and none was chosen.")
        }
        let context = try Self.entry(name, in: contexts, "context")
        guard let clusterName = try context.content.text("cluster"), let userName = try context.content.text("user")
        else { throw context.content.fault("the context needs a cluster and a user") }
        let cluster = try Self.entry(clusterName, in: clusters, "cluster")
        let user = try Self.entry(userName, in: users, "user")
        guard let server = try cluster.content.text("server") else { throw cluster.content.fault("server is missing") }
        var configuration = try KubernetesConfiguration(
            server: server, authority: try Self.authority(of: cluster), credential: try Self.credential(of: user))
        configuration.namespace = try context.content.text("namespace") ?? configuration.namespace
        configuration.proxy = try cluster.content.text("proxy-url")
        return configuration
    }

    private static func entry(_ name: String, in entries: [Entry], _ what: String) throws(KubernetesError) -> Entry {
        guard let entry = entries.first(where: { $0.name == name }) else {
            throw KubernetesError(.configuration, message: "The kubeconfig has no \(what) named '\(name.printable)'.")
        }
        return entry
    }

    private static func authority(of cluster: Entry) throws(KubernetesError) -> KubernetesConfiguration.Authority {
        let content = cluster.content
        guard try content.text("insecure-skip-tls-verify") != "true" else {
            throw content.fault("insecure-skip-tls-verify is not accepted; give certificate-authority")
        }
        guard try content.text("tls-server-name") == nil else {
            throw content.fault("tls-server-name is not supported")
        }
        guard let authority = try certificates(cluster, "certificate-authority") else {
            throw content.fault("certificate-authority is missing, without which no server is trusted")
        }
        return authority
    }

    private static func credential(of user: Entry) throws(KubernetesError) -> KubernetesConfiguration.Credential {
        let content = user.content
        if let token = try content.text("token") {
            return .token(try CredentialFile.token(SecretBytes(Array(token.utf8)), named: content.name))
        }
        if let file = try content.text("tokenFile") { return .tokenFile(path(file, user)) }
        if let chain = try certificates(user, "client-certificate") {
            if let data = try content.text("client-key-data") {
                guard var key = try? Base64.decodeLenient(data) else {
                    throw content.fault("client-key-data is not base64")
                }
                return .certificate(.init(chain: chain, key: SecretBytes(wiping: &key)))
            }
            guard let file = try content.text("client-key") else { throw content.fault("client-key is missing") }
            return .certificate(.init(chain: chain, keyFile: path(file, user)))
        }
        throw content.fault(
            "neither token, tokenFile nor client-certificate is given; exec, auth-provider and passwords are not supported"
        )
    }

    private static func certificates(
        _ entry: Entry, _ member: String
    ) throws(KubernetesError) -> KubernetesConfiguration.Authority? {
        if let data = try entry.content.text("\(member)-data") {
            guard let bytes = try? Base64.decodeLenient(data), let text = String(validating: bytes, as: UTF8.self)
            else {
                throw entry.content.fault("\(member)-data is not base64 of a PEM text")
            }
            return .pem(try CredentialFile.certificates(text, named: "\(member)-data"))
        }
        guard let file = try entry.content.text(member) else { return nil }
        return .file(path(file, entry))
    }

    private static func path(_ file: String, _ entry: Entry) -> String {
        file.hasPrefix("/") ? file : "\(entry.folder)/\(file)"
    }
}

extension KubernetesConfiguration {
    /// What a context of kubeconfig files describes.
    ///
    /// Accepted are tokens, token files and client certificates. A cluster without certification authority, and one whose
    /// verification is switched off, is refused, and so are commands that print credentials.
    ///
    /// - Parameters:
    ///   - files: paths; those that do not exist are passed over if another one does.
    ///   - context: the context to use; nil for the current one.
    /// - Throws: `configuration`.
    public static func kubeconfig(
        files: [String], context: String? = nil
    ) throws(KubernetesError) -> KubernetesConfiguration {
        var merged = Kubeconfig()
        var missing: KubernetesError?
        var found = false
        for file in files {
            let text: String
            do throws(BoundedFileError) {
                text = try BoundedFile.text(file, limit: 1_048_576)
            } catch {
                let failure = KubernetesError(.configuration, message: error.message)
                guard error.code == .missing else { throw failure }
                missing = failure
                continue
            }
            found = true
            let folder = file.lastIndex(of: "/").map { String(file[..<$0]) } ?? "."
            try merged.add(text, named: file, folder: folder)
        }
        if !found { throw missing ?? KubernetesError(.configuration, message: "No kubeconfig file was given.") }
        return try merged.configuration(context: context)
    }
}
