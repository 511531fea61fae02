import Encodings
import Kubernetes
import Logging

/// A certificate with its key as it was read, PEM.
struct ReadCertificate: Sendable, Equatable {
    let chain: [UInt8]
    let key: SecretBytes
}

/// Where a replica has its certificate from.
protocol CertificateSource: Sendable {
    /// What is there now; nil when there is nothing that can be used.
    ///
    /// - Throws: why it cannot be read.
    func read() async throws(ControllerError) -> ReadCertificate?

    /// Yields whenever another look is due, until the task is cancelled.
    func follow(_ changed: @escaping @Sendable () async -> Void) async
}

/// A folder with `tls.crt` and `tls.key`, such as a mounted Secret of cert-manager.
struct CertificateFolder: CertificateSource {
    static let interval: Duration = .seconds(10)
    static let largest = 262_144

    let path: String
    let environment: RuntimeEnvironment

    func read() async throws(ControllerError) -> ReadCertificate? {
        do throws(BoundedFileError) {
            let chain = try BoundedFile.bytes("\(path)/tls.crt", limit: Self.largest)
            return ReadCertificate(chain: chain, key: try BoundedFile.secret("\(path)/tls.key", limit: Self.largest))
        } catch {
            throw ControllerError(code: "unreadable", message: "The certificate \(error.message)")
        }
    }

    func follow(_ changed: @escaping @Sendable () async -> Void) async {
        while !Task.isCancelled {
            await changed()
            try? await environment.sleep(Self.interval)
        }
    }
}

/// The Secret that the leader writes. It is watched by its name, and only for its metadata: the key is read when there is
/// another one, and kept nowhere but where it serves.
struct CertificateSecret: CertificateSource {
    let api: any KubernetesAPI
    let namespace: String
    let name: String
    let environment: RuntimeEnvironment
    let logger: Logger

    func read() async throws(ControllerError) -> ReadCertificate? {
        let object: KubernetesObject
        do throws(KubernetesError) {
            object = try await api.get(.secrets, namespace: namespace, name: name)
        } catch {
            guard error.kind != .notFound else { return nil }
            throw ControllerError(error)
        }
        return CertificateStore(object).current.map {
            ReadCertificate(chain: Array($0.certificate.pem.utf8), key: $0.key)
        }
    }

    func follow(_ changed: @escaping @Sendable () async -> Void) async {
        // One look after the other: an older reading that took longer would put back what it read.
        let (looks, due) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let informer = Informer(
            api: api, resource: .secrets,
            settings: CacheSettings(
                namespace: namespace, fieldSelector: "metadata.name=\(name)", metadataOnly: true,
                usesWatchList: false),
            transform: { $0.withoutBookkeeping() }, handlers: [{ _ in due.yield() }], environment: environment,
            logger: logger)
        await withDiscardingTaskGroup { group in
            group.addTask { await informer.run() }
            // A read that failed when the watch told of a change is made up for.
            group.addTask {
                while (try? await environment.sleep(.seconds(30))) != nil { due.yield() }
            }
            group.addTask {
                for await _ in looks { await changed() }
            }
        }
    }
}
