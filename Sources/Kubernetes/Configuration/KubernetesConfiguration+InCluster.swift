import Encodings

extension KubernetesConfiguration {
    /// Where the kubelet puts a service account's token, authority and namespace.
    public static let serviceAccountFolder = "/var/run/secrets/kubernetes.io/serviceaccount"

    /// The API server of the cluster that this process is a pod of, as the pod's service account.
    ///
    /// - Parameters:
    ///   - environment: the process's environment, which names the server.
    ///   - folder: where token, authority and namespace are.
    /// - Throws: `configuration` when this is no pod, or one without a service account's files. Without an authority there
    ///   is no client.
    public static func inCluster(
        environment: [String: String], folder: String = serviceAccountFolder
    ) throws(KubernetesError) -> KubernetesConfiguration {
        guard let host = environment["KUBERNETES_SERVICE_HOST"], !host.isEmpty,
            let port = environment["KUBERNETES_SERVICE_PORT"].flatMap(UInt16.init), port > 0
        else {
            throw KubernetesError(
                .configuration,
                message: "This is no pod: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT do not name a server.")
        }
        let isBareIPv6 = host.contains(":") && !host.hasPrefix("[")
        let (authority, token) = ("\(folder)/ca.crt", "\(folder)/token")
        _ = try CredentialFile.certificates(authority)
        _ = try CredentialFile.token(token)
        var configuration = try KubernetesConfiguration(
            server: "https://\(isBareIPv6 ? "[\(host)]" : host):\(port)", authority: .file(authority),
            credential: .tokenFile(token))
        if let name = try? BoundedFile.text("\(folder)/namespace", limit: 1_024) {
            let trimmed = name.filter { !$0.isWhitespace }
            if !trimmed.isEmpty { configuration.namespace = trimmed }
        }
        return configuration
    }

    /// What the environment describes: the files in `KUBECONFIG`, else the cluster that this process is a pod of, else
    /// `.kube/config` in the home folder.
    ///
    /// - Parameter context: the context to use of kubeconfig files; nil for their current one.
    /// - Throws: `configuration`.
    public static func discovered(
        environment: [String: String], context: String? = nil
    ) throws(KubernetesError) -> KubernetesConfiguration {
        if let list = environment["KUBECONFIG"], !list.isEmpty {
            return try kubeconfig(files: list.split(separator: ":").map(String.init), context: context)
        }
        if environment["KUBERNETES_SERVICE_HOST"] != nil { return try inCluster(environment: environment) }
        guard let home = environment["HOME"] else {
            throw KubernetesError(
                .configuration, message: "There is no API server to talk to: set KUBECONFIG or run in a cluster.")
        }
        return try kubeconfig(files: ["\(home)/.kube/config"], context: context)
    }
}
