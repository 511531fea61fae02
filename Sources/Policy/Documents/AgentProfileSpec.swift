/// The body of an `AgentProfile`: which pods get an agent, how it runs, and what it fetches for them.
public struct AgentProfileSpec: Sendable, Hashable {
    /// How the agent runs in a pod.
    public enum Mode: String, Sendable, Hashable, CaseIterable {
        /// A container that starts before the others and stays beside them.
        case nativeSidecar = "NativeSidecar"
        /// A container that fetches, writes and ends before the others start.
        case initOnly = "InitOnly"
    }

    /// Which pods of the namespace the profile is for; a pod must have all that is named.
    public struct Selector: Sendable, Hashable {
        /// Labels and their values.
        public let matchLabels: [String: String]
        /// Runtime classes, one of which the pod must have; empty for any.
        public let runtimeClassNames: [String]
    }

    /// The container of the agent.
    public struct Container: Sendable, Hashable {
        /// The image; `nil` for the controller's choice.
        public let image: String?
        /// How much it logs; `nil` for the agent's default.
        public let logLevel: String?
        /// Quantities that are reserved, by `cpu` and `memory`.
        public let requests: [String: String]
        /// Quantities that it may use at most.
        public let limits: [String: String]
    }

    /// The broker that the agent asks.
    public struct Broker: Sendable, Hashable {
        /// Its addresses, the preferred one first.
        public let urls: [String]
        /// The ConfigMap with the authorities (PEM) that are trusted; `nil` for those of the image.
        public let caConfigMap: String?
        /// The key in its data.
        public let caKey: String
    }

    /// What happens when a file has a new content.
    public enum Notice: Sendable, Hashable {
        /// A signal to the processes of a name.
        case signal(name: String, process: String)
        /// The agent ends, so that it and the pod's others start anew.
        case exit
    }

    /// A resource that is written to a file.
    public struct File: Sendable, Hashable {
        /// What becomes of the file when the broker refuses the resource.
        public enum Refusal: String, Sendable, Hashable, CaseIterable {
            /// It is taken away.
            case remove = "Remove"
            /// It stays until its lease is over.
            case keep = "Keep"
        }

        /// The resource, `kbs:///repository/type/tag`.
        public let uri: String
        /// Where it is written, an absolute path.
        public let path: String
        /// The permission bits, four octal digits.
        public let mode: String
        /// The owning user; `nil` for the agent's own.
        public let user: Int64?
        /// The owning group; `nil` for the agent's own.
        public let group: Int64?
        /// Whether the pod is not ready without it.
        public let isRequired: Bool
        /// After how many seconds the broker is asked again; 0 for never.
        public let refreshInterval: Int64
        /// For how many seconds a content counts that the broker did not confirm; `nil` for ever.
        public let lease: Int64?
        /// What becomes of it when the broker refuses.
        public let refusal: Refusal
        /// Who is told of a new content.
        public let notice: Notice?
    }

    /// Which pods the profile is for; `nil` for those that name it.
    public let selector: Selector?
    /// How the agent runs.
    public let mode: Mode
    /// Its container.
    public let container: Container?
    /// The broker that it asks.
    public let broker: Broker
    /// What it writes to files.
    public let files: [File]
    /// What it fetches ahead of time and keeps in memory, as `kbs:///repository/type/tag`.
    public let prefetch: [String]
    /// The socket on which it serves the pod; `nil` for the agent's default.
    public let socket: String?
    /// How many seconds the pod waits for what is required.
    public let startupTimeout: Int64
}
