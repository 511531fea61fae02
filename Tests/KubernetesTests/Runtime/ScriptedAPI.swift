import Encodings
import Kubernetes
import Synchronization

/// An API server that answers lists and watches as a test wrote down, one after the other, and keeps what was asked.
final class ScriptedAPI: UnscriptedAPI {
    enum Step: Sendable {
        case list(ObjectList)
        case failList(KubernetesError)
        case watch([WatchEvent], then: Ending)
        case failWatch(KubernetesError)
    }

    enum Ending: Sendable {
        case end
        case error(KubernetesError)
        case stayOpen
    }

    enum Request: Sendable, Hashable {
        case list(ListOptions)
        case watch(WatchOptions)
    }

    private let steps: Mutex<[Step]>
    private let asked = Mutex<[Request]>([])

    init(_ steps: [Step]) { self.steps = Mutex(steps) }

    var requests: [Request] { asked.withLock { $0 } }

    /// The versions from which watches were asked for, nil for a WatchList.
    var watched: [String?] {
        requests.compactMap { if case .watch(let options) = $0 { .some(options.resourceVersion) } else { nil } }
    }

    var lists: [ListOptions] {
        requests.compactMap { if case .list(let options) = $0 { options } else { nil } }
    }

    /// The next step; a script that has come to its end lets the caller wait until it is cancelled.
    private func next(_ request: Request) async throws(KubernetesError) -> Step {
        asked.withLock { $0.append(request) }
        if let step = steps.withLock({ $0.isEmpty ? nil : $0.removeFirst() }) { return step }
        throw await Self.cancellation()
    }

    private static func cancellation() async -> KubernetesError {
        while !Task.isCancelled { try? await Task.sleep(for: .seconds(3_600)) }
        return KubernetesError(.cancelled, message: "The task was cancelled.")
    }

    func list(
        _ resource: APIResource, namespace: String?, _ options: ListOptions
    ) async throws(KubernetesError) -> ObjectList {
        switch try await next(.list(options)) {
        case .list(let page): return page
        case .failList(let error): throw error
        case .watch, .failWatch: throw KubernetesError(.configuration, message: "The script wants a watch here.")
        }
    }

    func watch(
        _ resource: APIResource, namespace: String?, _ options: WatchOptions
    ) async throws(KubernetesError) -> WatchStream {
        switch try await next(.watch(options)) {
        case .watch(let events, let ending):
            let rest = Mutex(events[...])
            return WatchStream { () async throws(KubernetesError) in
                if let event = rest.withLock({ $0.popFirst() }) { return event }
                switch ending {
                case .end: return nil
                case .error(let error): throw error
                case .stayOpen: throw await Self.cancellation()
                }
            }
        case .failWatch(let error): throw error
        case .list, .failList: throw KubernetesError(.configuration, message: "The script wants a list here.")
        }
    }
}

extension KubernetesObject {
    /// A pod of the namespace `a`.
    static func pod(_ name: String, _ version: String, uid: String? = nil) -> KubernetesObject {
        var object = KubernetesObject(.pods, namespace: "a", name: name)
        object.metadata["uid"] = .string(uid ?? "uid-\(name)")
        object.resourceVersion = version
        return object
    }
}

/// Keeps what handlers were told, as short words: `+name`, `~name`, `-name`, and `?name` for what was found missing.
final class ChangeLog: Sendable {
    private let words = Mutex<[String]>([])

    var all: [String] { words.withLock { $0 } }

    func note(_ change: ObjectChange) {
        let word =
            switch change {
            case .added(let object): "+\(object.name)"
            case .updated(_, let object): "~\(object.name)"
            case .deleted(let object, let isFinal): "\(isFinal ? "-" : "?")\(object.name)"
            }
        words.withLock { $0.append(word) }
    }
}
