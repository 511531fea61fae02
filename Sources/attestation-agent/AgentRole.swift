import Guest
import GuestAPI

/// Which program this one is started as, with what that program's own flags say.
enum AgentRole: Sendable {
    /// Claviger's agent: the faces that its options name, REST unless told otherwise.
    case agent
    /// A command of Claviger's agent that works for a program beside it, whose environment others may write.
    case command
    /// A command of Claviger's agent for one piece of work, which may need no broker.
    case tool
    /// The guest components' attestation-agent.
    case attestationAgent(socket: String?, configFile: String?, initDataFile: String?, initDataDigest: String?)
    /// The guest components' confidential-data-hub.
    case confidentialDataHub(configFile: String?)
    /// The guest components' api-server-rest.
    case apiServerREST(bind: String?, features: String?)

    var isReference: Bool {
        switch self {
        case .agent, .command, .tool: false
        case .attestationAgent, .confidentialDataHub, .apiServerREST: true
        }
    }

    /// Whether REST is served: by a component of the guest that has none, only when an option asks for it.
    func servesREST(on addresses: [ListenAddress]) -> Bool {
        switch self {
        case .agent, .apiServerREST: true
        case .attestationAgent, .confidentialDataHub: !addresses.isEmpty
        case .command, .tool: false
        }
    }

    /// Whether there is nothing to do without a broker.
    var needsBroker: Bool {
        switch self {
        case .agent, .command: true
        case .tool, .attestationAgent, .confidentialDataHub, .apiServerREST: false
        }
    }

    /// Whether variables may switch off what protects the guest; else only the command line and files may.
    var heedsWeakeningVariables: Bool {
        if case .command = self { false } else { true }
    }

    /// What the configuration file says; nil when there is none.
    func file() throws(GuestError) -> ComponentFile? {
        switch self {
        case .agent, .command, .tool:
            return nil
        case .attestationAgent(_, let path, _, _):
            return try path.map { (path) throws(GuestError) in try ComponentFile.attestationAgent(path: path) }
        case .confidentialDataHub(let path):
            return try path.map { (path) throws(GuestError) in try ComponentFile.confidentialDataHub(path: path) }
        case .apiServerREST:
            return try ComponentFile.measured()
        }
    }

    /// Whether a file's wish for an event log is meant for this program: one alone can keep it.
    var keepsEventLog: Bool {
        switch self {
        case .agent, .command, .tool, .attestationAgent: true
        case .confidentialDataHub, .apiServerREST: false
        }
    }

    var initDataFile: String? {
        if case .attestationAgent(_, _, let path, _) = self { path } else { nil }
    }

    var initDataDigest: String? {
        if case .attestationAgent(_, _, _, let digest) = self { digest } else { nil }
    }

    /// Where REST is served without a wish of the user.
    var restAddress: String {
        switch self {
        case .agent, .command, .tool: "127.0.0.1:8006"
        case .apiServerREST(let bind, _): bind ?? "127.0.0.1:8006"
        case .attestationAgent, .confidentialDataHub: "none"
        }
    }

    /// Where the program's own flags have REST served.
    var wantedRESTAddress: String? {
        if case .apiServerREST(let bind, _) = self { bind } else { nil }
    }

    var restFeatures: String? {
        if case .apiServerREST(_, let features) = self { features ?? RESTFeatures.resource.rawValue } else { nil }
    }

    var attestationAgentSocket: String? {
        guard case .attestationAgent(let socket, _, _, _) = self else { return nil }
        return socket ?? "unix://" + ReferenceSocket.attestationAgent
    }

    func confidentialDataHubSocket(_ file: ComponentFile?) -> String? {
        guard case .confidentialDataHub = self else { return nil }
        return file?.socket ?? "unix://" + ReferenceSocket.confidentialDataHub
    }
}
