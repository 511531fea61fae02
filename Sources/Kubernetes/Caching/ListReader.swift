/// Reads a whole collection page by page.
struct ListReader: Sendable {
    /// How often a list is begun again because its pages expired while they were read.
    private static let attempts = 4
    /// Empty pages in a row that a server may send, as the API allows it to.
    private static let maximumEmptyPages = 1_000

    let api: any KubernetesAPI
    let resource: APIResource
    let settings: CacheSettings
    /// What is kept of an object; applied as objects come in, so that never more than a page is held whole.
    let transform: @Sendable (KubernetesObject) -> KubernetesObject
    /// How much of each namespace is kept.
    let bounds: CacheBounds

    /// The newest state of the collection with its version: the state that all pages show.
    func readAll() async throws(KubernetesError) -> (objects: BoundedObjects, version: String) {
        var attempt = 1
        while true {
            do throws(KubernetesError) {
                // A collection whose pages expire faster than they can be read is read in one piece.
                return try await read(pageSize: attempt < 3 ? settings.pageSize : nil)
            } catch {
                guard error.kind == .gone, attempt < Self.attempts else { throw error }
                attempt += 1
            }
        }
    }

    private func read(
        pageSize: Int?
    ) async throws(KubernetesError) -> (objects: BoundedObjects, version: String) {
        var objects = BoundedObjects(bounds)
        var version: String?
        var token: String?
        var pageSize = pageSize
        var emptyPages = 0
        repeat {
            let page = try await page(at: token, &pageSize)
            for object in page.items { _ = objects.put(transform(try object.named())) }
            emptyPages = page.items.isEmpty ? emptyPages + 1 : 0
            // Either would make this endless.
            guard emptyPages <= Self.maximumEmptyPages, page.continueToken == nil || page.continueToken != token else {
                throw .unusable("pages that lead nowhere")
            }
            version = version ?? page.resourceVersion
            token = page.continueToken
        } while token != nil
        guard let version, !version.isEmpty else { throw .unusable("a list without a resourceVersion") }
        return (objects, version)
    }

    /// One page. Objects may be so large that fewer of them have to be asked for; then `pageSize` is smaller from here on.
    private func page(
        at token: String?, _ pageSize: inout Int?
    ) async throws(KubernetesError) -> ObjectList {
        while true {
            do throws(KubernetesError) {
                return try await api.list(
                    resource, namespace: settings.namespace,
                    ListOptions(
                        labelSelector: settings.labelSelector, fieldSelector: settings.fieldSelector, limit: pageSize,
                        continueToken: token, metadataOnly: settings.metadataOnly))
            } catch {
                guard error.kind == .tooLarge, pageSize ?? Int.max > 1 else { throw error }
                pageSize = pageSize.map { $0 / 2 } ?? max(1, settings.pageSize)
            }
        }
    }
}
